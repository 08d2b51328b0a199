// Filters as people read them: what is looked at, how, and what is done.
import { size, t } from "@tegami/kit";
import { tags } from "../tags.ts";
import { boxPath, mailbox } from "../state/mailboxes.svelte.ts";
import type { Act, Field, Rule, RuleAction, RuleCondition, Op } from "./types.ts";

export const fieldLabels: Record<Field, string> = {
  from: "webmail.from", to: "webmail.to", cc: "webmail.cc", recipient: "webmail.rule.recipient", subject: "webmail.subject", body: "webmail.rule.body", header: "webmail.rule.header", size: "webmail.rule.size",
  attachment: "webmail.rule.attachment", list: "webmail.rule.list",
};
export const opLabels: Record<Op, string> = {
  contains: "webmail.rule.contains", notContains: "webmail.rule.not_contains", is: "webmail.rule.is", isNot: "webmail.rule.is_not", begins: "webmail.rule.starts", ends: "webmail.rule.ends", over: "webmail.rule.over",
  under: "webmail.rule.under",
};
export const actLabels: Record<Act, string> = {
  move: "webmail.rule.move", copy: "webmail.rule.copy", flag: "webmail.rule.star", markRead: "webmail.rule.read", tag: "webmail.rule.label", forward: "webmail.rule.forward", delete: "webmail.rule.delete", stop: "webmail.rule.stop",
};
// presence are the two things that can be asked of attachments, by value.
export const presence = { true: "webmail.rule.exists", false: "webmail.rule.not_exists" };

// opsOf are the ways in which a field can be compared.
export function opsOf(field: Field): Op[] {
  if (field === "size") return ["over", "under"];
  return field === "body" ? ["contains", "notContains"] : ["contains", "notContains", "is", "isNot", "begins", "ends"];
}

export function conditionText(c: RuleCondition): string {
  const field = c.field === "header" ? (c.header ?? "") : t(fieldLabels[c.field]);
  if (c.field === "attachment") return t(c.value === "true" ? "webmail.rule.says_exists" : "webmail.rule.says_not_exists", field);
  return t("webmail.rule.says", field, c.field === "size" ? size(Number(c.value)) : c.value, t(opLabels[c.op]));
}

export function actionText(a: RuleAction): string {
  if (a.do === "move" || a.do === "copy") {
    const box = mailbox(a.mailboxId);
    return t(a.do === "move" ? "webmail.rule.moves" : "webmail.rule.copies", box ? boxPath(box) : t("webmail.rule.gone"));
  }
  if (a.do === "forward") return t("webmail.rule.forwards", a.to ?? "");
  if (a.do === "tag") return t("webmail.rule.labels", tags.find((tag) => tag.keyword === a.keyword)?.name() ?? a.keyword ?? "");
  return t(actLabels[a.do]);
}

// nameOfRule is what a filter is called, by what it looks at where it has no name.
export const nameOfRule = (r: Rule): string => r.name || r.conditions.map(conditionText).join(t("webmail.comma")) || t("webmail.rule.all_mail");

// emptyRule is how a new one begins.
export function emptyRule(): Rule {
  return { name: "", on: true, match: "all", conditions: [{ field: "from", op: "contains", value: "" }], actions: [{ do: "move" }] };
}

// incomplete tells whether something of a filter is still to be said.
export function incomplete(r: Rule): boolean {
  return !r.actions.length || r.conditions.some((c) => !c.value.trim() || (c.field === "header" && !c.header?.trim()))
    || r.actions.some((a) => ((a.do === "move" || a.do === "copy") && !mailbox(a.mailboxId)) || (a.do === "forward" && !a.to?.trim()) || (a.do === "tag" && !a.keyword));
}
