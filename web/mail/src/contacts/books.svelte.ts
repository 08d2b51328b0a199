// The address books and the groups of the account, and what is done with cards.
import { Refusal, refused } from "../jmap/client.ts";
import type { Address, Id } from "../jmap/types.ts";
import { jmap } from "../state/session.svelte.ts";
import { emailsOf, nameOfCard } from "./card.ts";
import type { AddressBook, Card, CardFilters } from "./types.ts";

let books = $state.raw<AddressBook[]>([]);
let groups = $state.raw<Card[]>([]);
let known = $state(false);
let turn = $state(0);

export const allBooks = (): AddressBook[] => books;
export const allGroups = (): Card[] => groups;
export const booksKnown = (): boolean => known;
// changes counts what this page changed itself.
export const changes = (): number => turn;
// touched says that cards were changed in another way.
export function touched(): void {
  turn++;
}

export const book = (id: Id | undefined): AddressBook | undefined => books.find((b) => b.id === id);
export const defaultBook = (): AddressBook | undefined => books.find((b) => b.isDefault) ?? books[0];

const rowProperties = ["id", "addressBookIds", "uid", "kind", "name", "nicknames", "organizations", "titles", "emails", "phones", "members"];

// loadBooks fetches books and groups.
export async function loadBooks(): Promise<void> {
  const b = jmap.batch();
  const list = b.call("AddressBook/get", { ids: null });
  const q = b.call("ContactCard/query", { filter: { kind: "group" } });
  const g = b.call("ContactCard/get", { ids: q.ref("/ids"), properties: rowProperties });
  await b.send();
  books = list.result.list;
  groups = g.or(undefined)?.list ?? [];
  known = true;
}

// cardsAt fetches a part of a list of cards.
export async function cardsAt(filter: CardFilters | null, position: number, limit: number, signal?: AbortSignal): Promise<{ items: Card[]; total: number }> {
  const b = jmap.batch();
  const q = b.call("ContactCard/query", { filter, position, limit, calculateTotal: true });
  const g = b.call("ContactCard/get", { ids: q.ref("/ids"), properties: rowProperties });
  await b.send(signal);
  const cards = new Map(g.result.list.map((c) => [c.id, c]));
  const items = q.result.ids.map((id) => cards.get(id)).filter((c) => c !== undefined);
  return { items, total: q.result.total ?? position + items.length };
}

// membersOf is the filter of those in a group.
export function membersOf(group: Card): CardFilters {
  const uids = Object.keys(group.members ?? {});
  return { operator: "OR", conditions: uids.map((uid) => ({ uid })) };
}

// card fetches one whole card.
export async function card(id: Id): Promise<Card | undefined> {
  return (await jmap.one("ContactCard/get", { ids: [id] })).list[0];
}

async function set(args: { create?: Record<Id, object>; update?: Record<Id, object>; destroy?: Id[] }): Promise<Record<Id, { id: Id }>> {
  const out = await jmap.one("ContactCard/set", args);
  turn++;
  const e = refused(out.notCreated, out.notUpdated, out.notDestroyed);
  if (e) throw e;
  return out.created ?? {};
}

export async function addCard(properties: object): Promise<Id> {
  const made = (await set({ create: { new: properties } })).new;
  if (!made) throw new Refusal("serverFail");
  return made.id;
}

export async function changeCard(id: Id, patch: Record<string, unknown>): Promise<void> {
  if (Object.keys(patch).length) await set({ update: { [id]: patch } });
}

export async function destroyCards(ids: Id[]): Promise<void> {
  await set({ destroy: ids });
}

export async function moveCards(ids: Id[], to: Id): Promise<void> {
  await set({ update: Object.fromEntries(ids.map((id) => [id, { addressBookIds: { [to]: true } }])) });
}

// addToGroup takes cards into a group.
export async function addToGroup(group: Card, uids: string[]): Promise<void> {
  await changeCard(group.id, { members: { ...group.members, ...Object.fromEntries(uids.map((u) => [u, true])) } });
}

export async function addBook(name: string): Promise<Id> {
  const out = await jmap.one("AddressBook/set", { create: { new: { name } } });
  const e = refused(out.notCreated);
  const made = out.created?.new;
  if (e || !made) throw e ?? new Refusal("serverFail");
  await loadBooks();
  return made.id;
}

export async function renameBook(id: Id, name: string): Promise<void> {
  const e = refused((await jmap.one("AddressBook/set", { update: { [id]: { name } } })).notUpdated);
  if (e) throw e;
  await loadBooks();
}

// destroyBook removes a book with all cards in it.
export async function destroyBook(id: Id): Promise<void> {
  const e = refused((await jmap.one("AddressBook/set", { destroy: [id], onDestroyRemoveContents: true })).notDestroyed);
  if (e) throw e;
  turn++;
  await loadBooks();
}

// cardWith finds the card that has an address; undefined where there is none.
export async function cardWith(email: string): Promise<Card | undefined> {
  const found = await cardsAt({ email }, 0, 10);
  return found.items.find((c) => emailsOf(c).some((e) => e.toLowerCase() === email.toLowerCase()));
}

// addPerson makes a card of somebody who wrote.
export async function addPerson(a: Address): Promise<Id> {
  if (!known) await loadBooks();
  const name = a.name?.trim();
  return addCard({
    "@type": "Card", version: "1.0", kind: "individual", addressBookIds: { [defaultBook()?.id ?? ""]: true }, ...(name ? { name: { full: name } } : {}), emails: { e1: { address: a.email } },
  });
}

// peopleOf are the addresses that a message to some cards goes to: the first of each, groups by their members.
export async function peopleOf(cards: Card[]): Promise<Address[]> {
  const list: Address[] = [];
  for (const c of cards) {
    if (c.kind === "group") list.push(...(await peopleOf((await cardsAt(membersOf(c), 0, 1000)).items)));
    else if (emailsOf(c)[0]) list.push({ name: nameOfCard(c) || null, email: emailsOf(c)[0]! });
  }
  return list;
}
