// The browser's half of making and showing a passkey. The server speaks base64url, the browser octets.

type Coded = { challenge: string; user: { id: string }; excludeCredentials?: { id: string }[] };

// passkeysKnown tells whether this browser can make passkeys.
export function passkeysKnown(): boolean {
  return typeof PublicKeyCredential === "function";
}

function octets(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
}

function coded(data: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(data))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

// createPasskey asks the authenticator for a new passkey, and gives what the server wants to see; nothing when the person gave up.
export async function createPasskey(options: unknown): Promise<unknown> {
  const o = ((options as { publicKey?: unknown }).publicKey ?? options) as Coded;
  const publicKey = {
    ...o, challenge: octets(o.challenge), user: { ...o.user, id: octets(o.user.id) }, excludeCredentials: (o.excludeCredentials ?? []).map((c) => ({ ...c, id: octets(c.id) })),
  } as unknown as PublicKeyCredentialCreationOptions;
  let made: PublicKeyCredential | null;
  try {
    made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential | null;
  } catch (e) {
    if ((e as DOMException).name === "NotAllowedError" || (e as DOMException).name === "AbortError") return undefined;
    throw e;
  }
  if (!made) return undefined;
  const answer = made.response as AuthenticatorAttestationResponse;
  return {
    id: made.id, rawId: coded(made.rawId), type: made.type, authenticatorAttachment: made.authenticatorAttachment, clientExtensionResults: made.getClientExtensionResults(),
    response: { attestationObject: coded(answer.attestationObject), clientDataJSON: coded(answer.clientDataJSON), transports: answer.getTransports?.() ?? [] },
  };
}

// askPasskey has the authenticator show a passkey, and gives what the server wants to see; nothing when the person gave up.
export async function askPasskey(options: unknown): Promise<unknown> {
  const o = ((options as { publicKey?: unknown }).publicKey ?? options) as { challenge: string; allowCredentials?: { id: string }[] };
  const publicKey = { ...o, challenge: octets(o.challenge), allowCredentials: (o.allowCredentials ?? []).map((c) => ({ ...c, id: octets(c.id) })) } as unknown as PublicKeyCredentialRequestOptions;
  let shown: PublicKeyCredential | null;
  try {
    shown = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential | null;
  } catch (e) {
    if ((e as DOMException).name === "NotAllowedError" || (e as DOMException).name === "AbortError") return undefined;
    throw e;
  }
  if (!shown) return undefined;
  const answer = shown.response as AuthenticatorAssertionResponse;
  return {
    id: shown.id, rawId: coded(shown.rawId), type: shown.type, authenticatorAttachment: shown.authenticatorAttachment, clientExtensionResults: shown.getClientExtensionResults(),
    response: {
      authenticatorData: coded(answer.authenticatorData), clientDataJSON: coded(answer.clientDataJSON), signature: coded(answer.signature),
      userHandle: answer.userHandle ? coded(answer.userHandle) : undefined,
    },
  };
}
