// What the API says about the filter of unwanted mail, lists of senders, quarantine and figures.
import { api } from "../session.svelte.ts";

export type Action = "pass" | "meiwaku" | "spam" | "quarantine";

// Filter is what a domain's administrators decided (SF-1, SF-4, SF-5, SF-6).
export interface Filter {
  domain: string;
  action: Action;
  threshold: number; // percent
  quarantineDays: number;
  userAllow: boolean;
  userFirst: boolean;
  allowForged: boolean;
  digest: { on: boolean; hours: number[] };
  by?: string;
  changed?: string;
}

// Virus is what the company decided about the virus check.
export interface Virus {
  down: "defer" | "mark";
  quietAdmins: boolean;
  admins: string[];
  by?: string;
  changed?: string;
}

export interface Senders {
  allow: string[];
  deny: string[];
  by?: string;
  changed?: string;
}

// Box is an account with mail in quarantine.
export interface Box {
  account: string;
  address: string;
  name: string;
  messages: number;
  octets: number;
  newest: string;
}

export interface Person {
  name?: string;
  email: string;
}

// Held is a message in quarantine; what stands last is told of one alone.
export interface Held {
  id: string;
  receivedAt: string;
  expiresAt: string;
  from?: Person[];
  envelopeFrom?: string;
  recipient: string;
  subject?: string;
  messageId?: string;
  size: number;
  percent: number;
  rule: string;
  reasons?: { key: string; text: string; weight: number }[];
  notSpam: boolean;
  to?: Person[];
  textBody?: string;
  links?: { href: string; text: string; isMisleading: boolean }[];
  attachments?: { name: string; type: string; size: number }[];
  isTruncated?: boolean;
}

// Done tells which messages something was done with, and why not with others.
export interface Done {
  done: string[] | null;
  failed?: { id: string; text: string }[];
}

export interface Day {
  day: string; // 2026-11-23
  received: number;
  refused: number;
  spam: number;
  virus: number;
  quarantined: number;
  released: number;
}

interface Part<T> {
  items: T[] | null;
  next?: string;
  total?: number;
}
interface Tagged<T> {
  data: T;
  etag: string;
}

// The description of these operations is not generated yet: their types stand above.
type Way = (path: never, o?: object) => Promise<unknown>;
const get: Way = (path, o) => api.get(path, o);
const tagged: Way = (path, o) => api.tagged(path, o);
const put: Way = (path, o) => api.put(path, o);
const post: Way = (path, o) => api.post(path, o);
const at = (path: string) => path as never;

export const filterOf = (domain: string) => tagged(at("/tenants/{tenant}/filter/{domain}"), { path: { domain } }) as Promise<Tagged<Filter>>;
export const saveFilter = (domain: string, match: string, body: Omit<Filter, "domain" | "by" | "changed">) => put(at("/tenants/{tenant}/filter/{domain}"), { path: { domain }, match, body });
export const virus = () => tagged(at("/tenants/{tenant}/filter/virus"), {}) as Promise<Tagged<Virus>>;
export const saveVirus = (match: string, body: Omit<Virus, "by" | "changed">) => put(at("/tenants/{tenant}/filter/virus"), { match, body });
export const senders = () => tagged(at("/tenants/{tenant}/filter/lists"), {}) as Promise<Tagged<Senders>>;
export const saveSenders = (match: string, body: Pick<Senders, "allow" | "deny">) => put(at("/tenants/{tenant}/filter/lists"), { match, body });
export const sendersFile = (charset?: "cp932") => api.url("/tenants/{tenant}/filter/lists.csv", { query: { charset } });
export const readSendersFile = (raw: ArrayBuffer, replace: boolean) => post(at("/tenants/{tenant}/filter/lists.csv"), { query: { replace: replace || undefined }, raw, type: "text/csv" }) as Promise<{ added: number; removed: number }>;

export const boxes = (query: { text?: string; cursor?: string; limit: number }, signal: AbortSignal) => get(at("/tenants/{tenant}/quarantine"), { query, signal }) as Promise<Part<Box>>;
export const held = (account: string, query: { text?: string; sort?: string; cursor?: string; limit: number }, signal: AbortSignal) => get(at("/tenants/{tenant}/quarantine/{account}"), { path: { account }, query, signal }) as Promise<Part<Held>>;
export const heldOne = (account: string, id: string) => get(at("/tenants/{tenant}/quarantine/{account}/{id}"), { path: { account, id } }) as Promise<Held>;
export const release = (account: string, ids: string[], allow: boolean) => post(at("/tenants/{tenant}/quarantine/{account}/release"), { path: { account }, body: { ids, allow } }) as Promise<Done>;
export const remove = (account: string, ids: string[]) => post(at("/tenants/{tenant}/quarantine/{account}/delete"), { path: { account }, body: { ids } }) as Promise<Done>;
export const notSpam = (account: string, ids: string[]) => post(at("/tenants/{tenant}/quarantine/{account}/not-spam"), { path: { account }, body: { ids } }) as Promise<Done>;
export const forward = (account: string, id: string, to: string) => post(at("/tenants/{tenant}/quarantine/{account}/forward"), { path: { account }, body: { id, to } }) as Promise<undefined>;

export const days = (query: { domain?: string; from: string; to: string }) => get(at("/tenants/{tenant}/statistics/mail"), { query }) as Promise<{ items: Day[] | null }>;
