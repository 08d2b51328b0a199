// Who reads, by which account, with what choices.
import { lang, loadWords, setTheme, setZone, theme, type Theme } from "@tegami/kit";
import { Client, Refusal } from "../jmap/client.ts";
import { OUR_SETTINGS, QUOTA, SUBMISSION, type Account, type Branding, type Id, type Identity, type Quota, type Session, type Settings } from "../jmap/types.ts";
import { openStore, recall, remember, wipe } from "../offline/store.ts";

let settings = $state.raw<Settings>({ id: "singleton" });
let branding = $state.raw<Branding>({ id: "singleton" });
let identities = $state.raw<Identity[]>([]);
let quota = $state.raw<Quota | undefined>();
let online = $state(true);
let failed = $state.raw<unknown>();
let current = $state.raw<Session | undefined>();

export const jmap = new Client({ lang, signedOut, online: (yes) => (online = yes) });

// beginning tells what went wrong when the webmail began.
export function beginning(): unknown {
  return failed;
}

export function failedToBegin(e: unknown): void {
  failed = e;
}

export function me(): { address: string; account: Account | undefined } {
  return { address: current?.username ?? "", account: current?.accounts[jmap.own] };
}

export function isOnline(): boolean {
  return online;
}

export function mySettings(): Settings {
  return settings;
}

export function company(): Branding {
  return branding;
}

export function myIdentities(): Identity[] {
  return identities;
}

export function myQuota(): Quota | undefined {
  return quota;
}

// sharers are the colleagues whose folders this one may read.
export function sharers(): [Id, Account][] {
  return Object.entries(current?.accounts ?? {}).filter(([, a]) => !a.isPersonal);
}

// guest is the account of a colleague whose folders are shown; undefined while they are one's own.
export function guest(): Account | undefined {
  return jmap.account === jmap.own ? undefined : current?.accounts[jmap.account];
}

// isMe tells whether an address is one of the reader's.
export function isMe(address: string | undefined): boolean {
  const a = address?.toLowerCase();
  return !!a && (a === me().address.toLowerCase() || identities.some((i) => i.email.toLowerCase() === a));
}

// isOutside tells whether an address lies outside the company. Where the company's domains aren't told, those of one's own
// addresses stand for them.
export function isOutside(address: string): boolean {
  const domain = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
  const own = branding.domains?.length ? branding.domains : [me().address, ...identities.map((i) => i.email)].map((a) => a.slice(a.lastIndexOf("@") + 1));
  return !own.some((d) => d.toLowerCase() === domain);
}

// signedOut goes to the sign-in page, and comes back here afterwards.
function signedOut(): void {
  location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
}

const SESSION = "session";
const ACCOUNT = "tegami.account"; // whose store to open when there is no network
const MINE = "mine";

// begin finds out who reads. Without a network it is who read last in this browser.
export async function begin(shown?: Id): Promise<void> {
  try {
    current = await jmap.begin(shown);
    await openStore(jmap.account);
    if (jmap.account === jmap.own) localStorage.setItem(ACCOUNT, jmap.account);
    void remember(SESSION, current);
  } catch (e) {
    if (!(e instanceof Refusal && e.offline) || !(await beginOffline())) failed = e;
  }
}

async function beginOffline(): Promise<boolean> {
  const account = localStorage.getItem(ACCOUNT);
  if (!account) return false;
  await openStore(account);
  const kept = await recall<Session>(SESSION);
  if (!kept) return false;
  current = await jmap.begin(account, kept);
  return true;
}

// recallMine takes up the choices that were known last, until the server says more.
export async function recallMine(): Promise<void> {
  const kept = await recall<[Settings, Branding, Identity[]]>(MINE);
  if (!kept) return;
  [, branding, identities] = kept;
  takeSettings(kept[0]);
}

// loadMine fetches the reader's choices, identities, the company's part and how full the account is.
export async function loadMine(): Promise<void> {
  const b = jmap.batch();
  const calls = {
    settings: jmap.can(OUR_SETTINGS) ? b.call("Settings/get", { ids: null }) : undefined,
    branding: jmap.can(OUR_SETTINGS) ? b.call("Branding/get", { ids: null }) : undefined,
    identities: jmap.can(SUBMISSION) ? b.call("Identity/get", { ids: null }) : undefined,
    quota: jmap.can(QUOTA) ? b.call("Quota/get", { ids: null }) : undefined,
  };
  try {
    await b.send();
  } catch (e) {
    if (!(await recall(MINE))) throw e;
    return recallMine();
  }
  takeSettings(calls.settings?.or(undefined)?.list[0]);
  branding = calls.branding?.or(undefined)?.list[0] ?? branding;
  identities = calls.identities?.or(undefined)?.list ?? [];
  takeQuota(calls.quota?.or(undefined)?.list);
  void remember(MINE, [settings, branding, identities]);
}

function takeSettings(s: Settings | undefined): void {
  if (!s) return;
  settings = s;
  const wanted = s.theme as Theme | undefined;
  if (wanted && wanted !== theme() && !localStorage.getItem("tegami.theme")) setTheme(wanted);
  setZone(s.timeZone);
  if (s.language && s.language !== lang() && !localStorage.getItem("tegami.lang")) void loadWords(s.language);
}

function takeQuota(list: Quota[] | undefined): void {
  quota = list?.find((q) => q.resourceType === "octets" && q.scope === "account") ?? list?.find((q) => q.resourceType === "octets");
}

// refreshQuota looks again how full the account is.
export async function refreshQuota(): Promise<void> {
  if (jmap.can(QUOTA)) takeQuota((await jmap.one("Quota/get", { ids: null })).list);
}

// changeSettings changes some of the reader's choices at once, and takes them back where the server refuses.
export async function changeSettings(change: Partial<Settings>): Promise<void> {
  const before = settings;
  settings = { ...settings, ...change };
  if (change.timeZone) setZone(change.timeZone);
  try {
    const out = await jmap.one("Settings/set", { update: { singleton: change } });
    const e = out.notUpdated?.singleton;
    if (e) throw new Refusal(e.type, e.description ?? "");
    void remember(MINE, [settings, branding, identities]);
  } catch (e) {
    settings = before;
    throw e;
  }
}

// reloadIdentities is for whoever changed them.
export async function reloadIdentities(): Promise<void> {
  identities = (await jmap.one("Identity/get", { ids: null })).list;
}

// logout ends this session, and leaves nothing of the mail in this browser.
export async function logout(): Promise<void> {
  sessionStorage.clear();
  localStorage.removeItem(ACCOUNT);
  await wipe();
  await fetch("/logout", { method: "POST", headers: { "Tegami-Page": "1" } }).catch(() => undefined);
  location.assign("/login?out=1");
}
