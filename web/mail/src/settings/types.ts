// What JMAP says about filters, scripts (RFC 9661), answers while away (RFC 8621 §8) and identities, and what this server says beyond it.
import type { GetIn, GetOut, Id, QueryIn, QueryOut, SetIn, SetError, SetOut, UTCDate } from "../jmap/types.ts";

export type Field = "from" | "to" | "cc" | "recipient" | "subject" | "body" | "header" | "size" | "attachment";
export type Test = "contains" | "notContains" | "is" | "isNot" | "startsWith" | "endsWith" | "exists" | "notExists" | "over" | "under";
export type Act = "move" | "copy" | "star" | "read" | "label" | "forward" | "delete" | "stop";

export interface RuleCondition {
  field: Field;
  test: Test;
  header?: string; // of "header"
  value?: string; // octets of "size", as a number in digits
}
export interface RuleAction {
  action: Act;
  mailboxId?: Id; // of "move" and "copy"
  keyword?: string; // of "label"
  address?: string; // of "forward"
}
export interface Rule {
  id: string;
  name: string;
  enabled: boolean;
  match: "all" | "any";
  conditions: RuleCondition[];
  actions: RuleAction[];
}

// FilterRules are the filters of the account, in their order.
export interface FilterRules {
  id: "singleton";
  rules: Rule[];
  handWritten: boolean; // a script that somebody wrote is active instead of them
  handWrittenName?: string | null;
}

// SieveScript is RFC 9661 §2's.
export interface SieveScript {
  id: Id;
  name: string | null;
  blobId: Id;
  isActive: boolean;
}

// VacationResponse is RFC 8621 §8's, with a text of its own for those outside.
export interface VacationResponse {
  id: "singleton";
  isEnabled: boolean;
  fromDate: UTCDate | null;
  toDate: UTCDate | null;
  subject: string | null;
  textBody: string | null;
  htmlBody: string | null;
  "tegami:outsideReply"?: boolean; // whether others than colleagues are answered
  "tegami:outside"?: boolean; // whether they have a text of their own
  "tegami:outsideSubject"?: string | null;
  "tegami:outsideTextBody"?: string | null;
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
