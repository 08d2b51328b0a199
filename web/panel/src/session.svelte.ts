// Who works with the panel, what he may do, and in which company: for an administrator his own, for an operator the one in the
// address (/panel/t/ID/…).
import { Client, Problem } from "@tegami/api";
import type { components } from "@tegami/api/schema.d.ts";
import { href, lang, path } from "@tegami/kit";

export type Schemas = components["schemas"];
export type Self = Schemas["Self"];

let self = $state.raw<Self | undefined>();
let failed = $state.raw<unknown>();
let refresh = $state(0);

// me is who calls.
export function me(): Self {
  return self!;
}

// beginning tells what went wrong when the panel began.
export function beginning(): unknown {
  return failed;
}

// may tells whether the caller has a right somewhere. The server decides anew at every request.
export function may(right: string): boolean {
  return self?.rights?.includes(right) ?? false;
}

// parted takes the address apart: the company of an operator's address, and the screen's path.
function parted(): { tenant?: string; screen: string } {
  const m = /^\/t\/([^/]+)(\/.*)?$/.exec(path());
  return m ? { tenant: m[1], screen: m[2] ?? "/" } : { screen: path() };
}

// tenant is the company that the screens show; undefined while an operator has chosen none.
export function tenant(): string | undefined {
  if (!self) return undefined;
  return self.operator ? parted().tenant : self.tenant;
}

// screen is the path of the screen, "/accounts".
export function screen(): string {
  return parted().screen;
}

// link is the address of a screen in the same company.
export function link(to: string): string {
  const t = self?.operator ? parted().tenant : undefined;
  return href(t ? `/t/${t}${to === "/" ? "" : to}` : to);
}

// linkTo is the address of a screen in another company, for operators.
export function linkTo(company: string, to = "/"): string {
  return href(`/t/${company}${to === "/" ? "" : to}`);
}

// Why an operator changes something in a company: asked once for each company, shown while it holds, and sent with every change.
interface Asked {
  tenant: string;
  answer: (reason: string | undefined) => void;
}
let asked = $state.raw<Asked | undefined>();
const REASONS = "tegami.reasons"; // kept while the tab is open
let reasons = $state.raw<Record<string, string>>(JSON.parse(sessionStorage.getItem(REASONS) ?? "{}"));

export function reasonAsked(): Asked | undefined {
  return asked;
}

export function reasonOf(company: string | undefined): string {
  return company ? (reasons[company] ?? "") : "";
}

export function setReason(company: string, reason: string): void {
  reasons = { ...reasons, [company]: reason };
  sessionStorage.setItem(REASONS, JSON.stringify(reasons));
}

export function answerReason(reason: string | undefined): void {
  const a = asked;
  asked = undefined;
  if (a && reason) setReason(a.tenant, reason);
  a?.answer(reason);
}

async function reason(company: string): Promise<string | undefined> {
  if (!self?.operator) return "";
  const known = reasons[company];
  return known || new Promise((answer) => (asked = { tenant: company, answer }));
}

// Before what a browser left open must not do, the server wants to see that it is still him who signed in. All that wait for it wait together.
let proving = $state.raw<{ answer: (shown: boolean) => void; waits: Promise<boolean> } | undefined>();

export function proofAsked(): boolean {
  return proving !== undefined;
}

export function answerProof(shown: boolean): void {
  const p = proving;
  proving = undefined;
  p?.answer(shown);
}

function confirm(): Promise<boolean> {
  if (!proving) {
    let answer!: (shown: boolean) => void;
    const waits = new Promise<boolean>((a) => (answer = a));
    proving = { answer, waits };
  }
  return proving.waits;
}

export const api = new Client({ lang, tenant, reason, signedOut, confirm });

// signedOut goes to the sign-in page, and comes back here afterwards.
function signedOut(): void {
  location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
}

// begin finds out who calls.
export async function begin(): Promise<void> {
  try {
    self = await api.get("/self");
  } catch (e) {
    failed = e;
    if (e instanceof Problem && e.status === 401) await new Promise(() => {}); // the page is about to go
  }
}

// logout ends this session.
export async function logout(): Promise<void> {
  sessionStorage.clear();
  await fetch("/logout", { method: "POST", headers: { "Tegami-Page": "1" } }).catch(() => undefined);
  location.assign("/login?out=1");
}

// mark and marked: a change that the shell must show (the logo, the options) asks it to look again.
export function marked(): number {
  return refresh;
}
export function mark(): void {
  refresh++;
}
