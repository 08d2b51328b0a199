// What JMAP says here about mail in quarantine and about the senders that the reader lets in or keeps out (urn:tegami:params:jmap:filter).
import type { Address, GetIn, GetOut, Id, QueryIn, QueryOut, SetIn, SetOut, UTCDate } from "../jmap/types.ts";

export const FILTER = "urn:tegami:params:jmap:filter";

// Reason is one thing that spoke for or against a message, in the reader's language.
export interface Reason {
  key: string;
  text: string;
  weight: number; // below zero speaks for the message
}

// Quarantined is a message in quarantine. What stands last is told only where it is asked for.
export interface Quarantined {
  id: Id;
  receivedAt: UTCDate;
  expiresAt: UTCDate; // when it is deleted
  from: Address[] | null; // of the header
  envelopeFrom: string | null;
  recipient: string; // the reader's address that it came for
  subject: string | null;
  messageId: string | null;
  size: number; // octets
  percent: number; // how likely it is unwanted, 0 to 100
  rule: string; // what decided: "score"
  reasons: Reason[]; // the weightiest first
  notSpam: boolean; // the reader said that it is wanted
  to?: Address[] | null;
  cc?: Address[] | null;
  textBody?: string;
  htmlBody?: string; // made fit; "" where it has none
  links?: { href: string; text: string; isMisleading: boolean }[]; // misleading: the text names another host
  attachments?: { name: string; type: string; size: number }[];
  isTruncated?: boolean;
}

// SenderLists are the senders that the reader lets in or keeps out: addresses, "@example.com", "*@*.example.com" (SF-5).
export interface SenderLists {
  id: "singleton";
  allow: string[];
  deny: string[];
  allowPermitted: boolean; // the company lets readers' lists of the first kind hold
  digest: boolean; // the reader hears by mail what is new in his quarantine
  digestOffered: boolean; // the company sends such mail
  limit: number; // entries of each
}

export interface QuarantineMethods {
  "QuarantinedEmail/get": { in: GetIn; out: GetOut<Quarantined> };
  "QuarantinedEmail/query": { in: QueryIn & { filter?: { text?: string; after?: UTCDate } }; out: QueryOut };
  "QuarantinedEmail/set": { in: SetIn; out: SetOut<Quarantined> };
  "SenderLists/get": { in: GetIn; out: GetOut<SenderLists> };
  "SenderLists/set": { in: SetIn; out: SetOut<SenderLists> };
}
