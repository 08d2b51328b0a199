// What JMAP says about mail (RFC 8620, RFC 8621, RFC 9425), and what this server says beyond it.
import type { ContactMethods } from "../contacts/types.ts";
import type { QuarantineMethods } from "../quarantine/types.ts";
import type { SettingsMethods } from "../settings/types.ts";

export type Id = string;
export type UTCDate = string; // 2026-11-23T00:30:00Z

export const CORE = "urn:ietf:params:jmap:core";
export const MAIL = "urn:ietf:params:jmap:mail";
export const SUBMISSION = "urn:ietf:params:jmap:submission";
export const VACATION = "urn:ietf:params:jmap:vacationresponse";
export const QUOTA = "urn:ietf:params:jmap:quota";
export const CONTACTS = "urn:ietf:params:jmap:contacts";
export const MDN = "urn:ietf:params:jmap:mdn";
export const SIEVE = "urn:ietf:params:jmap:sieve";
export const BLOB = "urn:ietf:params:jmap:blob";
export const OUR_MAIL = "urn:tegami:params:jmap:mail";
export const OUR_SETTINGS = "urn:tegami:params:jmap:settings";
export const OUR_RULES = "urn:tegami:params:jmap:rules";
export const OUR_SNOOZE = "urn:tegami:params:jmap:snooze";
export const OUR_DIRECTORY = "urn:tegami:params:jmap:directory";

// Session is what a client may do here (RFC 8620 §2).
export interface Session {
  capabilities: Record<string, unknown>;
  accounts: Record<Id, Account>;
  primaryAccounts: Record<string, Id>;
  username: string;
  apiUrl: string;
  downloadUrl: string;
  uploadUrl: string;
  eventSourceUrl: string;
  state: string;
}

export interface Account {
  name: string;
  isPersonal: boolean;
  isReadOnly: boolean;
  accountCapabilities: Record<string, unknown>;
}

export interface CoreLimits {
  maxSizeUpload: number; // octets
  maxConcurrentUpload: number;
  maxObjectsInGet: number;
  maxObjectsInSet: number;
  maxCallsInRequest: number;
}

export type Role = "inbox" | "drafts" | "sent" | "junk" | "trash" | "archive" | "snoozed" | "scheduled";

export interface Rights {
  mayReadItems: boolean;
  mayAddItems: boolean;
  mayRemoveItems: boolean;
  maySetSeen: boolean;
  maySetKeywords: boolean;
  mayCreateChild: boolean;
  mayRename: boolean;
  mayDelete: boolean;
  maySubmit: boolean;
}

// Mailbox is a folder (RFC 8621 §2).
export interface Mailbox {
  id: Id;
  name: string;
  parentId: Id | null;
  role: Role | null;
  sortOrder: number;
  totalEmails: number;
  unreadEmails: number;
  totalThreads: number;
  unreadThreads: number;
  myRights: Rights;
  isSubscribed: boolean;
}

export interface Address {
  name: string | null;
  email: string;
}

export interface Part {
  partId: string | null;
  blobId: Id | null;
  size: number; // octets, decoded
  name: string | null;
  type: string;
  charset: string | null;
  disposition: string | null;
  cid: string | null;
  subParts?: Part[] | null;
}

export interface BodyValue {
  value: string;
  isEncodingProblem: boolean;
  isTruncated: boolean;
  blockedPictures?: number; // pictures from elsewhere that were left out of it
}

// SenderMarks is what there is to say about who sent a message.
export interface SenderMarks {
  firstTime?: boolean; // nothing came from this address before
  lookAlike?: string | null; // the domain of somebody known that the sender's looks like
  colleague?: string | null; // the address of the colleague whose name a sender from outside has
  otherAddress?: string | null; // an address that stands in the name, and isn't the sender's
  authentication?: "pass" | "fail" | "none" | null;
  outside?: boolean; // from outside the company
}

export interface Unsubscribe {
  oneClick?: string | null; // an address for a POST (RFC 8058)
  web?: string | null;
  mailto?: string | null;
}

// Email is a message (RFC 8621 §4). A list knows some of it; what a reader needs is fetched when it is opened.
export interface Email {
  id: Id;
  blobId: Id;
  threadId: Id;
  mailboxIds: Record<Id, true>;
  keywords: Record<string, true>;
  size: number; // octets
  receivedAt: UTCDate;
  sentAt?: string | null; // with its own zone
  from: Address[] | null;
  to: Address[] | null;
  cc?: Address[] | null;
  bcc?: Address[] | null;
  replyTo?: Address[] | null;
  sender?: Address[] | null;
  subject: string | null;
  messageId?: string[] | null;
  inReplyTo?: string[] | null;
  references?: string[] | null;
  hasAttachment: boolean;
  preview: string;
  bodyStructure?: Part;
  textBody?: Part[];
  htmlBody?: Part[];
  attachments?: Part[];
  bodyValues?: Record<string, BodyValue>;
  "header:Disposition-Notification-To:asAddresses"?: Address[] | null;
  "header:X-Priority:asText"?: string | null;
  "tegami:senderMarks"?: SenderMarks | null;
  "tegami:listUnsubscribe"?: Unsubscribe | null;
  "tegami:snoozedUntil"?: UTCDate | null;
}

export interface Thread {
  id: Id;
  emailIds: Id[];
}

// Condition is a filter's leaf, Operator its branch (RFC 8621 §4.4.1, RFC 8620 §5.5).
export interface Condition {
  inMailbox?: Id;
  inMailboxOtherThan?: Id[];
  before?: UTCDate;
  after?: UTCDate;
  minSize?: number;
  maxSize?: number;
  hasKeyword?: string;
  notKeyword?: string;
  allInThreadHaveKeyword?: string;
  someInThreadHaveKeyword?: string;
  noneInThreadHaveKeyword?: string;
  hasAttachment?: boolean;
  text?: string;
  from?: string;
  to?: string;
  cc?: string;
  bcc?: string;
  subject?: string;
  body?: string;
}
export interface Operator {
  operator: "AND" | "OR" | "NOT";
  conditions: Filter[];
}
export type Filter = Condition | Operator;

export interface Sort {
  property: string;
  isAscending?: boolean;
  keyword?: string;
}

export interface SearchSnippet {
  emailId: Id;
  subject: string | null; // HTML with <mark>
  preview: string | null;
}

export interface Identity {
  id: Id;
  name: string;
  email: string;
  replyTo: Address[] | null;
  bcc: Address[] | null;
  textSignature: string;
  htmlSignature: string;
  mayDelete: boolean;
}

export interface SubmissionAddress {
  email: string;
  parameters?: Record<string, string | null> | null;
}

// EmailSubmission is a message on its way out (RFC 8621 §7).
export interface EmailSubmission {
  id: Id;
  identityId: Id;
  emailId: Id;
  threadId: Id;
  envelope: { mailFrom: SubmissionAddress; rcptTo: SubmissionAddress[] } | null;
  sendAt: UTCDate;
  undoStatus: "pending" | "final" | "canceled";
}

// Quota is how full the account is (RFC 9425).
export interface Quota {
  id: Id;
  resourceType: "octets" | "count";
  used: number;
  hardLimit: number;
  warnLimit?: number | null;
  scope: "account" | "domain" | "global";
  name: string;
}

// Settings are the reader's own choices.
export interface Settings {
  id: "singleton";
  client?: "advanced" | "standard";
  language?: "ja" | "en" | "";
  theme?: "system" | "light" | "dark";
  timeZone?: string;
  pageSize?: number;
  conversations?: boolean;
  readingPane?: "right" | "none";
  density?: "comfortable" | "compact";
  composeFormat?: "text" | "html";
  composeCharset?: "utf-8" | "iso-2022-jp";
  outlookNames?: boolean;
  undoSeconds?: number;
  remotePictures?: "ask" | "always";
  trustedSenders?: string[]; // whose pictures are shown: addresses, or "@domain"
  readReceipts?: "ask" | "always" | "never";
  signaturePlace?: "above" | "below"; // what is quoted
  confirmOutside?: boolean;
  notifications?: boolean;
  markReadSeconds?: number;
  shortcuts?: boolean;
  tags?: Record<string, string>; // colours of labels, by keyword
}

// Branding is the company's part: its mark, and what it wants of those who send.
export interface Branding {
  id: "singleton";
  logoUrl?: string | null;
  company?: string;
  confirmOutside?: boolean;
  domains?: string[]; // the company's own
  maxSize?: number; // octets of a message
  maxRecipients?: number;
  forwarding?: string; // whom filters may send mail on to: "deny", "internal", "listed", "any"
  forwardDomains?: string[]; // of "listed"
  vacationOutside?: boolean; // whether others than colleagues may be answered while one is away
}

// Suggestion is somebody a message may go to.
export interface Suggestion {
  name: string;
  email: string;
  kana?: string;
  department?: string;
  source?: "card" | "group" | "gal" | "list" | "recent";
  members?: Address[]; // of a group
  outside?: boolean;
}

// SetError is why one object was not changed (RFC 8620 §5.3).
export interface SetError {
  type: string;
  description?: string | null;
  properties?: string[];
  existingId?: Id;
}

export interface GetOut<T> {
  accountId: Id;
  state: string;
  list: T[];
  notFound: Id[];
}
export interface ChangesOut {
  oldState: string;
  newState: string;
  hasMoreChanges: boolean;
  created: Id[];
  updated: Id[];
  destroyed: Id[];
  updatedProperties?: string[] | null;
}
export interface SetOut<T> {
  oldState: string | null;
  newState: string;
  created: Record<Id, Partial<T> & { id: Id }> | null;
  updated: Record<Id, Partial<T> | null> | null;
  destroyed: Id[] | null;
  notCreated: Record<Id, SetError> | null;
  notUpdated: Record<Id, SetError> | null;
  notDestroyed: Record<Id, SetError> | null;
}
export interface QueryOut {
  queryState: string;
  canCalculateChanges: boolean;
  position: number;
  ids: Id[];
  total?: number;
  limit?: number;
}

export interface GetIn {
  ids?: Id[] | null;
  properties?: string[];
}
export interface EmailGetIn extends GetIn {
  bodyProperties?: string[];
  fetchTextBodyValues?: boolean;
  fetchHTMLBodyValues?: boolean;
  fetchAllBodyValues?: boolean;
  maxBodyValueBytes?: number;
  sanitizeHTMLBodyValues?: boolean;
  remotePictures?: boolean;
}
export interface SetIn {
  ifInState?: string;
  create?: Record<Id, object>;
  update?: Record<Id, object>;
  destroy?: Id[];
}
export interface QueryIn<F = object> {
  filter?: F | null;
  sort?: Sort[];
  position?: number;
  anchor?: Id;
  anchorOffset?: number;
  limit?: number;
  calculateTotal?: boolean;
}
export interface ChangesIn {
  sinceState: string;
  maxChanges?: number;
}

type Standard<N extends string, T> = {
  [K in `${N}/get`]: { in: GetIn; out: GetOut<T> };
} & { [K in `${N}/set`]: { in: SetIn; out: SetOut<T> } } & { [K in `${N}/changes`]: { in: ChangesIn; out: ChangesOut } };

// Methods are those that the pages call.
export type Methods = ContactMethods &
  QuarantineMethods &
  SettingsMethods &
  Standard<"Mailbox", Mailbox> &
  Standard<"Thread", Thread> &
  Standard<"Identity", Identity> &
  Standard<"Settings", Settings> &
  Standard<"Branding", Branding> &
  Omit<Standard<"Email", Email>, "Email/get"> &
  Omit<Standard<"EmailSubmission", EmailSubmission>, "EmailSubmission/set"> & {
    "Email/get": { in: EmailGetIn; out: GetOut<Email> };
    "Email/query": { in: QueryIn<Filter> & { collapseThreads?: boolean }; out: QueryOut };
    "Email/import": { in: { emails: Record<Id, { blobId: Id; mailboxIds: Record<Id, true>; keywords?: Record<string, true>; receivedAt?: UTCDate }> }; out: SetOut<Email> };
    "Email/parse": { in: { blobIds: Id[]; properties?: string[]; fetchTextBodyValues?: boolean; fetchHTMLBodyValues?: boolean; sanitizeHTMLBodyValues?: boolean }; out: { parsed: Record<Id, Email> | null; notParsable: Id[] | null; notFound: Id[] | null } };
    "SearchSnippet/get": { in: { filter: Filter; emailIds?: Id[] }; out: { list: SearchSnippet[]; notFound: Id[] | null } };
    "EmailSubmission/set": { in: SetIn & { onSuccessUpdateEmail?: Record<Id, object>; onSuccessDestroyEmail?: Id[] }; out: SetOut<EmailSubmission> };
    "EmailSubmission/query": { in: QueryIn<{ undoStatus?: string; emailIds?: Id[] }>; out: QueryOut };
    "Quota/get": { in: GetIn; out: GetOut<Quota> };
    "Recipient/complete": { in: { text: string; limit?: number }; out: { list: Suggestion[] } };
    "MDN/send": { in: { identityId: Id; send: Record<Id, object>; onSuccessUpdateEmail?: Record<Id, object> }; out: { sent: Record<Id, object> | null; notSent: Record<Id, SetError> | null } };
    "Snooze/set": { in: SetIn; out: SetOut<{ id: Id }> };
    "Blob/copy": { in: { fromAccountId: Id; blobIds: Id[] }; out: { copied: Record<Id, Id> | null; notCopied: Record<Id, SetError> | null } };
    "Blob/upload": { in: { create: Record<Id, { data: object[]; type?: string }> }; out: { created: Record<Id, { id: Id; size: number }> | null; notCreated: Record<Id, SetError> | null } };
  };

export type Method = keyof Methods;
