// What JMAP says about filters, scripts (RFC 9661), answers while away (RFC 8621 §8) and identities, and what this server says beyond it.
import type { GetIn, GetOut, Id, QueryIn, QueryOut, SetIn, SetError, SetOut, UTCDate } from "../jmap/types.ts";

export type Field = "from" | "to" | "cc" | "recipient" | "subject" | "body" | "header" | "size" | "attachment" | "list";
export type Op = "contains" | "notContains" | "is" | "isNot" | "begins" | "ends" | "over" | "under";
export type Act = "move" | "copy" | "flag" | "markRead" | "tag" | "forward" | "delete" | "stop";

export interface RuleCondition {
  field: Field;
  header?: string; // of "header"
  op: Op;
  value: string; // octets of "size", as a number in digits; "true" or "false" of "attachment"
}
export interface RuleAction {
  do: Act;
  mailboxId?: Id; // of "move" and "copy"
  keyword?: string; // of "tag"
  to?: string; // of "forward"
  keep?: boolean; // of "forward": the message stays here too
}
export interface Rule {
  name: string;
  on: boolean;
  match: "all" | "any";
  conditions: RuleCondition[];
  actions: RuleAction[];
}

// FilterRules are the filters of the account, in their order.
export interface FilterRules {
  id: "singleton";
  rules: Rule[];
  active: boolean; // they filter
  handWritten: boolean; // a script filters that somebody wrote: instead of them, or behind them
  handWrittenName: string;
  includeHandWritten: boolean; // it runs behind them
}

// SieveScript is RFC 9661 §2's.
export interface SieveScript {
  id: Id;
  name: string | null;
  blobId: Id;
  isActive: boolean;
}

// VacationResponse is RFC 8621 §8's, with a text of its own for colleagues.
export interface VacationResponse {
  id: "singleton";
  isEnabled: boolean;
  fromDate: UTCDate | null;
  toDate: UTCDate | null;
  subject: string | null;
  textBody: string | null;
  htmlBody: string | null;
  insideSubject?: string | null; // for colleagues, where there is a text for them
  insideTextBody?: string | null;
  insideOnly?: boolean; // nobody else is answered
}

// SettingsMethods are those that these pages call.
export interface SettingsMethods {
  "FilterRules/get": { in: GetIn; out: GetOut<FilterRules> };
  "FilterRules/set": { in: SetIn; out: SetOut<FilterRules> };
  "SieveScript/get": { in: GetIn; out: GetOut<SieveScript> };
  "SieveScript/set": { in: SetIn & { onSuccessActivateScript?: Id | null; onSuccessDeactivateScript?: boolean }; out: SetOut<SieveScript> };
  "SieveScript/query": { in: QueryIn; out: QueryOut };
  "SieveScript/validate": { in: { blobId: Id }; out: { error: SetError | null } };
  "VacationResponse/get": { in: GetIn; out: GetOut<VacationResponse> };
  "VacationResponse/set": { in: SetIn; out: SetOut<VacationResponse> };
}
