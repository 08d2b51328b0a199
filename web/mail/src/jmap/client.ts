// The JMAP client: several calls in one request, with references from one to the result of another (RFC 8620 §3).
import { CORE, MAIL, type Account, type CoreLimits, type Id, type Method, type Methods, type Session, type SetError } from "./types.ts";

// Ref stands for a part of the result of an earlier call of the same request (RFC 8620 §3.7).
export class Ref {
  readonly resultOf: string;
  readonly name: string;
  readonly path: string;
  constructor(resultOf: string, name: string, path: string) {
    this.resultOf = resultOf;
    this.name = name;
    this.path = path;
  }
}

type Args<M extends Method> = { [K in keyof Methods[M]["in"]]: Methods[M]["in"][K] | Ref };

// A Refusal is what the server refused, or what did not reach it, in the language of the page.
export class Refusal extends Error {
  type: string; // of RFC 8620 §3.6, "offline", or "" where nothing is known
  detail: string | undefined;
  status: number;
  offline: boolean;

  constructor(type: string, detail = "", status = 0) {
    super(detail || type);
    this.type = type;
    this.detail = detail || undefined;
    this.status = status;
    this.offline = type === "offline";
  }
}

// refusalOf turns the reason why one object was not changed into a Refusal.
export function refusalOf(e: SetError): Refusal {
  return new Refusal(e.type, e.description ?? "");
}

// refused finds the first reason among those of a set call; undefined where everything was done.
export function refused(...reasons: (Record<Id, SetError> | null | undefined)[]): Refusal | undefined {
  for (const list of reasons) for (const e of Object.values(list ?? {})) return refusalOf(e);
  return undefined;
}

// Call is one method call of a request.
export class Call<M extends Method> {
  readonly id: string;
  readonly name: M;
  readonly args: object;
  private answer?: Methods[M]["out"];
  private failure?: Refusal;

  constructor(id: string, name: M, args: object) {
    this.id = id;
    this.name = name;
    this.args = args;
  }

  // ref points at a part of the result, "/ids" or "/list/*/threadId".
  ref(path: string): Ref {
    return new Ref(this.id, this.name, path);
  }

  // result is what the server answered; it throws what the server refused.
  get result(): Methods[M]["out"] {
    if (this.failure) throw this.failure;
    if (!this.answer) throw new Refusal("serverFail");
    return this.answer;
  }

  // or is the result, or something else where the server refused it.
  or<T>(other: T): Methods[M]["out"] | T {
    return this.answer ?? other;
  }

  settle(name: string, answer: Record<string, unknown>): void {
    if (name === "error") this.failure = new Refusal(String(answer.type ?? ""), String(answer.description ?? ""));
    else if (name === this.name && !this.answer) this.answer = answer as Methods[M]["out"];
  }

  fail(e: Refusal): void {
    this.failure ??= e;
  }
}

// written puts arguments as they go over the wire: a reference under a name with "#".
function written(args: object): object {
  return Object.fromEntries(Object.entries(args).map(([name, value]) => (value instanceof Ref ? ["#" + name, { ...value }] : [name, value])));
}

// Batch is a request that is being put together.
export class Batch {
  private readonly client: Client;
  private readonly calls: Call<Method>[] = [];

  constructor(client: Client) {
    this.client = client;
  }

  call<M extends Method>(name: M, args: Args<M>, account: Id = this.client.accountFor(name)): Call<M> {
    const call = new Call(String(this.calls.length), name, { accountId: account, ...args });
    this.calls.push(call as unknown as Call<Method>);
    return call;
  }

  // send carries it out. What one call was refused, its result throws.
  async send(signal?: AbortSignal): Promise<void> {
    if (this.calls.length === 0) return;
    const body = { using: this.client.using(), methodCalls: this.calls.map((c) => [c.name, written(c.args), c.id]) };
    const answer = (await this.client.post(body, signal)) as { methodResponses: [string, Record<string, unknown>, string][]; sessionState?: string };
    const byId = new Map(this.calls.map((c) => [c.id, c]));
    for (const [name, result, id] of answer.methodResponses) byId.get(id)?.settle(name, result);
  }
}

// What a client is told by its page.
export interface Surroundings {
  lang: () => string;
  signedOut: () => void;
  online: (yes: boolean) => void;
}

// shareable are the types of records that colleagues share.
const shareable = new Set(["Mailbox", "Thread", "Email", "SearchSnippet"]);

// PATIENCE is how long an answer is waited for, in milliseconds.
const PATIENCE = 60_000;

export class Client {
  session!: Session;
  own: Id = ""; // the reader's own account
  account: Id = ""; // whose mail is shown: his own, or that of a colleague who shares folders with him
  private readonly around: Surroundings;

  constructor(around: Surroundings) {
    this.around = around;
  }

  // begin fetches the session; those who aren't signed in go to the sign-in page.
  async begin(shown: Id | undefined, kept?: Session): Promise<Session> {
    this.session = kept ?? ((await (await this.fetch("/jmap/session", {})).json()) as Session);
    this.own = this.session.primaryAccounts[MAIL] ?? Object.keys(this.session.accounts)[0] ?? "";
    this.account = shown && this.session.accounts[shown] ? shown : this.own;
    return this.session;
  }

  get limits(): CoreLimits {
    return this.session.capabilities[CORE] as CoreLimits;
  }

  // can tells whether the reader's own account has a capability.
  can(capability: string): boolean {
    return this.about(this.own)?.accountCapabilities[capability] !== undefined;
  }

  // accountFor is the account that a method is for where none is named: mail is that which is shown, all else is the reader's own.
  accountFor(method: Method): Id {
    return shareable.has(method.split("/")[0]!) ? this.account : this.own;
  }

  about(account: Id = this.account): Account | undefined {
    return this.session.accounts[account];
  }

  using(): string[] {
    return Object.keys(this.session.capabilities);
  }

  batch(): Batch {
    return new Batch(this);
  }

  // one makes a single call.
  async one<M extends Method>(name: M, args: Args<M>, signal?: AbortSignal, account?: Id): Promise<Methods[M]["out"]> {
    const b = this.batch();
    const call = b.call(name, args, account);
    await b.send(signal);
    return call.result;
  }

  async post(body: unknown, signal?: AbortSignal): Promise<unknown> {
    const answer = await this.fetch(this.session.apiUrl, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });
    return answer.json();
  }

  // fetch asks the server, and turns what isn't a success into a Refusal.
  async fetch(url: string, o: RequestInit): Promise<Response> {
    const headers = { ...(o.headers as Record<string, string>), "Tegami-Page": "1", "Accept-Language": this.around.lang() };
    const end = AbortSignal.timeout(PATIENCE);
    let answer: Response;
    try {
      answer = await fetch(url, { credentials: "same-origin", ...o, headers, signal: o.signal ? AbortSignal.any([o.signal, end]) : end });
    } catch (e) {
      if (o.signal?.aborted) throw e;
      this.around.online(false);
      throw new Refusal("offline");
    }
    this.around.online(true);
    if (answer.ok) return answer;
    if (answer.status === 401) {
      this.around.signedOut();
      await new Promise(() => {}); // the page is about to go
    }
    const told = (await answer.json().catch(() => ({}))) as { type?: string; detail?: string; description?: string };
    throw new Refusal(told.type ?? "", told.detail ?? told.description ?? "", answer.status);
  }
}
