// What JMAP says about address books (RFC 9610) and cards (RFC 9553), and what this server says beyond it.
import type { ChangesIn, ChangesOut, GetIn, GetOut, Id, QueryIn, QueryOut, SetIn, SetOut } from "../jmap/types.ts";

// AddressBook is RFC 9610 §2's.
export interface AddressBook {
  id: Id;
  name: string;
  description: string | null;
  sortOrder: number;
  isDefault: boolean;
  isSubscribed: boolean;
  myRights: { mayRead: boolean; mayWrite: boolean; mayShare: boolean; mayDelete: boolean };
  "tegami:role"?: "contacts" | "emailed" | null; // of the two that everybody has (ML-6)
}

export interface NamePart {
  "@type"?: "NameComponent";
  kind: string; // "surname", "given", "given2", "title", …
  value: string;
  phonetic?: string; // ふりがな
}
export interface Name {
  full?: string;
  components?: NamePart[];
  isOrdered?: boolean;
  phoneticScript?: string;
  sortAs?: Record<string, string>;
}
// Several are the objects of a property of a card, by their ids. What this page doesn't know of them stays.
export type Several<T> = Record<string, T & { [other: string]: unknown }>;

interface Placed {
  contexts?: Record<string, true> | null; // "work", "private"
  pref?: number;
  label?: string;
}
export interface Place extends Placed {
  components?: { kind: string; value: string }[];
  full?: string;
}
export type CardDate = { "@type"?: "PartialDate"; year?: number; month?: number; day?: number } | { "@type": "Timestamp"; utc: string };

// Card is a card of an address book, with the properties this page shows.
export interface Card {
  id: Id;
  addressBookIds: Record<Id, true>;
  uid: string;
  kind?: string; // "individual", "group", "org"
  name?: Name;
  nicknames?: Several<{ name: string }>;
  organizations?: Several<{ name?: string; units?: { name: string }[] }>;
  titles?: Several<{ name: string; kind?: string }>;
  emails?: Several<{ address: string } & Placed>;
  phones?: Several<{ number: string; features?: Record<string, true> | null } & Placed>;
  addresses?: Several<Place>;
  anniversaries?: Several<{ kind: string; date: CardDate }>;
  notes?: Several<{ note: string }>;
  links?: Several<{ uri: string } & Placed>;
  members?: Record<string, true>;
}

// Entry is somebody in the company's address book, the GAL.
export interface Entry {
  id: Id;
  kind: "account" | "list" | "contact";
  name: string;
  kana?: string;
  email: string;
  lastName?: string;
  firstName?: string;
  company?: string;
  department?: string;
  title?: string;
  phone?: string;
  extension?: string;
  mobile?: string;
}

export type Doubles = "skip" | "replace" | "keep";

// LineReport is what is wrong with a line of a file.
export interface LineReport {
  line: number;
  type: string;
  description: string;
}

// Report is what became of a file that was brought in.
export interface Report {
  format: "vcard" | "csv";
  charset?: string;
  added: number;
  replaced: number;
  skipped: number;
  failed: LineReport[];
  ignoredColumns: string[]; // that nobody knows
}

export interface CardFilter {
  inAddressBook?: Id;
  uid?: string;
  kind?: string;
  text?: string;
  email?: string;
}
export type CardFilters = CardFilter | { operator: "AND" | "OR" | "NOT"; conditions: CardFilters[] };

export interface ExportIn {
  addressBookId?: Id | null; // null: of all books
  ids?: Id[] | null; // null: all cards of it
  format: "vcard" | "csv";
  layout?: "tegami" | "outlook" | "google";
  charset?: "utf-8" | "cp932";
}

// ContactMethods are those that these pages call.
export interface ContactMethods {
  "AddressBook/get": { in: GetIn; out: GetOut<AddressBook> };
  "AddressBook/set": { in: SetIn & { onDestroyRemoveContents?: boolean }; out: SetOut<AddressBook> };
  "AddressBook/changes": { in: ChangesIn; out: ChangesOut };
  "ContactCard/get": { in: GetIn; out: GetOut<Card> };
  "ContactCard/set": { in: SetIn; out: SetOut<Card> };
  "ContactCard/changes": { in: ChangesIn; out: ChangesOut };
  "ContactCard/query": { in: QueryIn<CardFilters>; out: QueryOut };
  "Contacts/import": { in: { blobId: Id; addressBookId: Id | null; doubles: Doubles }; out: Report };
  "Contacts/export": { in: ExportIn; out: { blobId: Id; type: string; name: string; size: number; notWritten: LineReport[] } };
  "DirectoryEntry/query": { in: QueryIn<{ text?: string; department?: string }>; out: QueryOut };
  "DirectoryEntry/get": { in: GetIn; out: GetOut<Entry> };
}
