// Where the reader is: a folder, a search, another screen; and which message is open. All of it stands in the address.
import { go, href, path, query, t, withQuery } from "@tegami/kit";
import type { Filter, Id, Mailbox, Role, Sort } from "../jmap/types.ts";
import { filterOf } from "../search/parse.ts";
import type { Query } from "./list.svelte.ts";
import { allMailboxes, boxName, boxPath, byRole, mailbox, roles } from "./mailboxes.svelte.ts";
import { mySettings } from "./session.svelte.ts";

// View is what the list shows.
export interface View {
  kind: "box" | "starred" | "search" | "label";
  title: string;
  box?: Mailbox;
  filter: Filter;
  sort: Sort[];
  collapse: boolean;
}

const newest: Sort[] = [{ property: "receivedAt", isAscending: false }];

// sorts are the orders of a list, by their name in the address.
export const sorts: Record<string, { label: string; sort: Sort[] }> = {
  "": { label: "webmail.sort.newest", sort: newest },
  oldest: { label: "webmail.sort.oldest", sort: [{ property: "receivedAt", isAscending: true }] },
  from: { label: "webmail.sort.from", sort: [{ property: "from", isAscending: true }, ...newest] },
  subject: { label: "webmail.sort.subject", sort: [{ property: "subject", isAscending: true }, ...newest] },
  size: { label: "webmail.sort.size", sort: [{ property: "size", isAscending: false }, ...newest] },
};

// part is the n-th part of the path: "/f/M12" has "f" and "M12".
function part(n: number): string {
  return decodeURIComponent(path().split("/")[n + 1] ?? "");
}

// screen is the first part of the path: a role, "f", "search", "contacts", "settings" …
export function screen(): string {
  return part(0) || "inbox";
}

// opened is the message that is open.
export function opened(): Id | undefined {
  return query("open") || undefined;
}

// hrefOf is the address of a folder.
export function hrefOf(box: Mailbox): string {
  return href(box.role ? `/${box.role}` : `/f/${encodeURIComponent(box.id)}`);
}

export function hrefOpen(id: Id): string {
  return withQuery({ open: id });
}

// searchFor goes to the results of a search.
export function searchFor(text: string): void {
  go(href(`/search?q=${encodeURIComponent(text)}`));
}

// close goes back to the list: by the browser's own way where that leads there.
export function close(): void {
  if (opened()) go(withQuery({ open: undefined }), true);
}

// folderNamed finds a folder as a search names it.
function folderNamed(name: string): Id | undefined {
  const n = name.toLowerCase();
  const all = allMailboxes();
  return (all.find((b) => boxPath(b).toLowerCase() === n) ?? all.find((b) => boxName(b).toLowerCase() === n || b.role === n || b.name.toLowerCase() === n))?.id;
}

function narrowed(filter: Filter): Filter {
  const more: Filter[] = [];
  if (query("unread")) more.push({ notKeyword: "$seen" });
  if (query("att")) more.push({ hasAttachment: true });
  return more.length ? { operator: "AND", conditions: [filter, ...more] } : filter;
}

const isRole = (name: string): name is Role => (roles as string[]).includes(name);

// view is what the list shows at this address; undefined where the address names no list, or a folder that is gone.
export function view(): View | undefined {
  const at = screen();
  const sort = sorts[query("sort")]?.sort ?? newest;
  const conversations = mySettings().conversations !== false;
  if (at === "search") {
    const away = [byRole("trash"), byRole("junk")].filter((b) => b !== undefined).map((b) => b.id);
    return { kind: "search", title: t("webmail.search.results"), filter: narrowed(filterOf(query("q"), folderNamed, away)), sort, collapse: false };
  }
  if (at === "starred") return { kind: "starred", title: t("webmail.box.starred"), filter: narrowed({ hasKeyword: "$flagged" }), sort, collapse: false };
  if (at === "label") return { kind: "label", title: part(1), filter: narrowed({ hasKeyword: part(1) }), sort, collapse: false };
  const box = at === "f" ? mailbox(part(1)) : isRole(at) ? byRole(at) : undefined;
  if (!box) return undefined;
  const plain = box.role === "drafts" || box.role === "sent" || box.role === "scheduled";
  return { kind: "box", title: boxName(box), box, filter: narrowed({ inMailbox: box.id }), sort, collapse: conversations && !plain && !query("sort") };
}

// queryOf is what a view asks the server.
export function queryOf(v: View): Query {
  return { filter: v.filter, sort: v.sort, collapse: v.collapse };
}
