// Filters as people read them: what is looked at, how, and what is done.
import { size, t } from "@tegami/kit";
import { tags } from "../tags.ts";
import { boxPath, mailbox } from "../state/mailboxes.svelte.ts";
import type { Act, Field, Rule, RuleAction, RuleCondition, Test } from "./types.ts";

export const fieldLabels: Record<Field, string> = {
  from: "webmail.from", to: "webmail.to", cc: "webmail.cc", recipient: "webmail.rule.recipient", subject: "webmail.subject", body: "webmail.rule.body", header: "webmail.rule.header", size: "webmail.rule.size",
  attachment: "webmail.rule.attachment",
};
export const testLabels: Record<Test, string> = {
  contains: "webmail.rule.contains", notContains: "webmail.rule.not_contains", is: "webmail.rule.is", isNot: "webmail.rule.is_not", startsWith: "webmail.rule.starts", endsWith: "webmail.rule.ends",
  exists: "webmail.rule.exists", notExists: "webmail.rule.not_exists", over: "webmail.rule.over", under: "webmail.rule.under",
};
export const actLabels: Record<Act, string> = {
  move: "webmail.rule.move", copy: "webmail.rule.copy", star: "webmail.rule.star", read: "webmail.rule.read", label: "webmail.rule.label", forward: "webmail.rule.forward", delete: "webmail.rule.delete", stop: "webmail.rule.stop",
};

const texts: Test[] = ["contains", "notContains", "is", "isNot", "startsWith", "endsWith"];

// testsOf are the ways in which a field can be looked at.
export function testsOf(field: Field): Test[] {
  if (field === "size") return ["over", "under"];
  if (field === "attachment") return ["exists", "notExists"];
  if (field === "body") return ["contains", "notContains"];
  return field === "header" ? [...texts, "exists", "notExists"] : texts;
}

// needsValue tells whether a test compares with something.
export const needsValue = (test: Test): boolean => test !== "exists" && test !== "notExists";

export function conditionText(c: RuleCondition): string {
  const field = c.field === "header" ? (c.header ?? "") : t(fieldLabels[c.field]);
  if (!needsValue(c.test)) return t(c.test === "exists" ? "webmail.rule.says_exists" : "webmail.rule.says_not_exists", field);
  const value = c.field === "size" ? size(Number(c.value)) : (c.value ?? "");
  return t("webmail.rule.says", field, value, t(testLabels[c.test]));
}

export function actionText(a: RuleAction): string {
  if (a.action === "move" || a.action === "copy") {
    const box = mailbox(a.mailboxId);
    return t(a.action === "move" ? "webmail.rule.moves" : "webmail.rule.copies", box ? boxPath(box) : t("webmail.rule.gone"));
  }
  if (a.action === "forward") return t("webmail.rule.forwards", a.address ?? "");
  if (a.action === "label") return t("webmail.rule.labels", tags.find((tag) => tag.keyword === a.keyword)?.name() ?? a.keyword ?? "");
  return t(actLabels[a.action]);
}

// nameOfRule is what a filter is called, by what it looks at where it has no name.
export const nameOfRule = (r: Rule): string => r.name || r.conditions.map(conditionText).join(t("webmail.comma")) || t("webmail.rule.all_mail");

// emptyRule is how a new one begins.
export function emptyRule(): Rule {
  return { id: crypto.randomUUID(), name: "", enabled: true, match: "all", conditions: [{ field: "from", test: "contains", value: "" }], actions: [{ action: "move" }] };
}

// incomplete tells whether something of a filter is still to be said.
export function incomplete(r: Rule): boolean {
  return !r.actions.length || r.conditions.some((c) => (needsValue(c.test) && !c.value?.trim()) || (c.field === "header" && !c.header?.trim()))
    || r.actions.some((a) => ((a.action === "move" || a.action === "copy") && !mailbox(a.mailboxId)) || (a.action === "forward" && !a.address?.trim()) || (a.action === "label" && !a.keyword));
}
