// Passkeys on the sign-in page: the one thing that a form cannot do.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const ask = async (path, form, body) => {
    const answer = await fetch(path, {
      method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json", "Tegami-Form": form }, body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail);
    return said;
  };

  const sign = async (area) => {
    const { form, next, passkey } = area.dataset;
    const begun = await ask("/login/passkey/begin", form, { step: passkey });
    const options = begun.options.publicKey;
    options.challenge = bytes(options.challenge);
    for (const c of options.allowCredentials ?? []) c.id = bytes(c.id);
    const made = await navigator.credentials.get({ publicKey: options });
    const r = made.response;
    const credential = {
      id: made.id, rawId: text(made.rawId), type: made.type, authenticatorAttachment: made.authenticatorAttachment ?? undefined,
      clientExtensionResults: made.getClientExtensionResults(),
      response: {
        authenticatorData: text(r.authenticatorData), clientDataJSON: text(r.clientDataJSON), signature: text(r.signature),
        userHandle: r.userHandle ? text(r.userHandle) : undefined,
      },
    };
    const done = await ask("/login/passkey/finish", form, { step: passkey, ceremony: begun.ceremony, credential, next, version: document.querySelector("input[name=version]:checked")?.value ?? "" });
    location.assign(done.next);
  };

  for (const area of document.querySelectorAll("[data-passkey]")) {
    if (!window.PublicKeyCredential) continue;
    area.hidden = false;
    const button = area.querySelector("button");
    const wrong = area.querySelector(".wrong");
    button.addEventListener("click", async () => {
      button.disabled = true;
      wrong.hidden = true;
      try {
        await sign(area);
      } catch (e) {
        wrong.textContent = e instanceof DOMException || !e.message ? area.dataset.failed : e.message;
        wrong.hidden = false;
      } finally {
        button.disabled = false;
      }
    });
  }
})();
