// The client of the control API. Paths, parameters and answers are typed by the description (schema.d.ts, generated); this file
// only sends, and turns what isn't a success into a Problem.
import type { paths } from "./schema.d.ts";

export const PREFIX = "/api/v1";

type Method = "get" | "put" | "post" | "patch" | "delete";

// Path is a path of the description, without what is before all of them.
type Path = keyof paths extends `/api/v1${infer P}` ? P : never;
type PathOf<M extends Method> = { [P in Path]: paths[`/api/v1${P}`] extends Record<M, { responses: unknown }> ? P : never }[Path];
type Op<M extends Method, P extends Path> = paths[`/api/v1${P}`] extends Record<M, infer O> ? O : never;

type ParamsOf<O, In extends string> = O extends { parameters: { [K in In]?: infer V } } ? Exclude<V, undefined> : never;
type BodyOf<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? B : never;
type Answer<O> = O extends { responses: infer R }
  ? { [S in keyof R]: S extends 200 | 201 | 202 ? (R[S] extends { content: { "application/json": infer B } } ? B : undefined) : never }[keyof R]
  : never;

// Options of a call. The tenant of the path is filled in where the page is in one.
export interface Options<O> {
  path?: Partial<ParamsOf<O, "path">>;
  query?: ParamsOf<O, "query">;
  body?: BodyOf<O>;
  raw?: BodyInit; // instead of a body in JSON: a file
  type?: string; // of raw
  match?: string; // the ETag that is meant to be changed
  once?: string; // a key under which a repeated request is done once
  signal?: AbortSignal;
}

export interface Tagged<T> {
  data: T;
  etag: string;
}

// A Problem is an answer that is no success (RFC 9457), in the language of the page.
export class Problem extends Error {
  status: number;
  key: string;
  detail: string;
  fields: { name: string; detail: string }[];
  offline: boolean;

  constructor(status: number, told: { key?: string; detail?: string; fields?: { name: string; detail: string }[] | null }) {
    super(told.detail ?? String(status));
    this.status = status;
    this.key = told.key ?? "";
    this.detail = told.detail ?? "";
    this.fields = told.fields ?? [];
    this.offline = status === 0;
  }
}

// What a client is told by its page.
export interface Surroundings {
  lang: () => string;
  tenant: () => string | undefined; // for {tenant} in paths
  reason: (tenant: string) => Promise<string | undefined>; // why an operator changes something in a company; nothing: he gave up
  signedOut: () => void;
  confirm?: () => Promise<boolean>; // the server wants to know that it is still him: asks, and tells whether he has shown it
}

export class Client {
  private readonly around: Surroundings;
  constructor(around: Surroundings) {
    this.around = around;
  }

  get = <P extends PathOf<"get">>(path: P, o: Options<Op<"get", P>> = {}) => this.data<Answer<Op<"get", P>>>("get", path, o);
  post = <P extends PathOf<"post">>(path: P, o: Options<Op<"post", P>> = {}) => this.data<Answer<Op<"post", P>>>("post", path, o);
  put = <P extends PathOf<"put">>(path: P, o: Options<Op<"put", P>> = {}) => this.data<Answer<Op<"put", P>>>("put", path, o);
  patch = <P extends PathOf<"patch">>(path: P, o: Options<Op<"patch", P>> = {}) => this.data<Answer<Op<"patch", P>>>("patch", path, o);
  del = <P extends PathOf<"delete">>(path: P, o: Options<Op<"delete", P>> = {}) => this.data<Answer<Op<"delete", P>>>("delete", path, o);

  // tagged is get with the version of what was read.
  async tagged<P extends PathOf<"get">>(path: P, o: Options<Op<"get", P>> = {}): Promise<Tagged<Answer<Op<"get", P>>>> {
    const answer = await this.send("get", path, o);
    return { data: await answer.json(), etag: answer.headers.get("ETag") ?? "" };
  }

  // text is post whose answer is a text, for files that are made once.
  async text<P extends PathOf<"post">>(path: P, o: Options<Op<"post", P>> = {}): Promise<string> {
    return (await this.send("post", path, o)).text();
  }

  // url is the address of a path, for downloads.
  url(path: string, o: Pick<Options<any>, "path" | "query"> = {}): string {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = (o.path as Record<string, unknown> | undefined)?.[name] ?? (name === "tenant" ? this.around.tenant() : undefined);
      if (value === undefined) throw new Error(`${path}: no ${name}`);
      return encodeURIComponent(String(value));
    });
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries((o.query as Record<string, unknown> | undefined) ?? {})) {
      for (const v of Array.isArray(value) ? value : [value]) if (v !== undefined && v !== "") query.append(name, String(v));
    }
    const tail = query.toString();
    return PREFIX + filled + (tail && "?" + tail);
  }

  private async data<T>(method: Method, path: string, o: Options<any>): Promise<T> {
    const answer = await this.send(method, path, o);
    if (answer.status === 204 || !answer.headers.get("Content-Type")?.includes("json")) return undefined as T;
    return (await answer.json()) as T;
  }

  // send sends a request, and sends it again once its author has shown that it is him, where the server asks for that.
  private async send(method: Method, path: string, o: Options<any>): Promise<Response> {
    try {
      return await this.once(method, path, o);
    } catch (e) {
      if (!(e instanceof Problem) || e.key !== "auth.confirm_needed" || !this.around.confirm) throw e;
      if (!(await this.around.confirm())) throw new Problem(-1, {});
      return this.once(method, path, o);
    }
  }

  private async once(method: Method, path: string, o: Options<any>): Promise<Response> {
    const headers = await this.headers(method, path, o);
    const body = o.raw ?? (o.body === undefined ? undefined : JSON.stringify(o.body));
    let answer: Response;
    try {
      answer = await fetch(this.url(path, o), { method: method.toUpperCase(), headers, body, signal: o.signal, credentials: "same-origin" });
    } catch (e) {
      if (o.signal?.aborted) throw e;
      throw new Problem(0, {});
    }
    if (answer.ok) return answer;
    const problem = new Problem(answer.status, await answer.json().catch(() => ({})));
    if (answer.status === 401) this.around.signedOut();
    throw problem;
  }

  private async headers(method: Method, path: string, o: Options<any>): Promise<Headers> {
    const h = new Headers({ Accept: "application/json", "Accept-Language": this.around.lang() });
    if (method === "get") return h;
    h.set("Tegami-Page", "1");
    if (o.body !== undefined) h.set("Content-Type", "application/json");
    if (o.raw !== undefined && o.type) h.set("Content-Type", o.type);
    if (o.match) h.set("If-Match", o.match);
    if (o.once) h.set("Idempotency-Key", o.once);
    if (path.startsWith("/tenants/{tenant}")) {
      const tenant = (o.path as { tenant?: string } | undefined)?.tenant ?? this.around.tenant() ?? "";
      const reason = await this.around.reason(tenant);
      if (reason === undefined) throw new Problem(-1, {});
      // A header carries ASCII only: other text goes as RFC 8187 §3.2 writes it.
      if (reason) h.set("Tegami-Reason", /^[\x20-\x7e]*$/.test(reason) ? reason : "UTF-8''" + encodeURIComponent(reason));
    }
    return h;
  }
}
