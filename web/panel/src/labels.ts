// What the API's stable names are called in the pages.
import { t } from "@tegami/kit";

type Kind = "plain" | "done" | "attention" | "loss" | "accent";

const roles: Record<string, string> = {
  owner: "panel.role.owner",
  "account-admin": "panel.role.account_admin",
  "policy-admin": "panel.role.policy_admin",
  "list-admin": "panel.role.list_admin",
  "audit-officer": "panel.role.audit_officer",
  "archive-officer": "panel.role.archive_officer",
  "help-desk": "panel.role.help_desk",
  "read-only": "panel.role.read_only",
  operator: "panel.role.operator",
  "operator-read-only": "panel.role.operator_read_only",
};
const results: Record<string, [string, Kind]> = {
  delivered: ["panel.result.delivered", "done"],
  waiting: ["panel.result.waiting", "plain"],
  delayed: ["panel.result.delayed", "attention"],
  error: ["panel.result.error", "loss"],
  held: ["panel.result.held", "attention"],
  quarantined: ["panel.result.quarantined", "attention"],
  removed: ["panel.result.removed", "plain"],
  refused: ["panel.result.refused", "loss"],
  forwarded: ["panel.result.forwarded", "done"],
  expanded: ["panel.result.expanded", "done"],
  filtered: ["panel.result.filtered", "plain"],
};
const directions: Record<string, string> = { in: "panel.direction.in", out: "panel.direction.out", internal: "panel.direction.internal", system: "panel.direction.system" };
const accounts: Record<string, [string, Kind]> = {
  active: ["panel.account.active", "done"],
  suspended: ["panel.account.suspended", "attention"],
  deleted: ["panel.account.deleted", "loss"],
};
const tenants: Record<string, [string, Kind]> = {
  ordered: ["panel.tenant.ordered", "plain"],
  provisioned: ["panel.tenant.provisioned", "accent"],
  open: ["panel.tenant.open", "done"],
  suspended: ["panel.tenant.suspended", "attention"],
  closed: ["panel.tenant.closed", "loss"],
};
const jobs: Record<string, [string, Kind]> = {
  waiting: ["panel.job.waiting", "plain"],
  running: ["panel.job.running", "accent"],
  done: ["panel.job.done", "done"],
  failed: ["panel.job.failed", "loss"],
  cancelled: ["panel.job.cancelled", "plain"],
  interrupted: ["panel.job.interrupted", "attention"],
};
const orders: Record<string, [string, Kind]> = {
  received: ["panel.order.received", "accent"],
  "in-progress": ["panel.order.in_progress", "attention"],
  opened: ["panel.order.opened", "done"],
  cancelled: ["panel.order.cancelled", "plain"],
};
const owned: Record<string, [string, Kind]> = {
  unverified: ["panel.domain.unverified", "attention"],
  vouched: ["panel.domain.vouched", "done"],
  verified: ["panel.domain.verified", "done"],
};

const said = (table: Record<string, [string, Kind]>) => (name: string) => {
  const [key, kind] = table[name] ?? ["", "plain" as Kind];
  return { text: key ? t(key) : name, kind };
};
const named = (table: Record<string, string>) => (name: string) => (table[name] ? t(table[name]) : name);
const choices = (table: Record<string, string | [string, Kind]>) => () => Object.entries(table).map(([value, k]) => ({ value, label: t(typeof k === "string" ? k : k[0]) }));

export const roleName = named(roles);
export const roleNames = Object.keys(roles).filter((r) => !r.startsWith("operator"));
export const resultOf = said(results);
export const resultChoices = choices(results);
export const directionName = named(directions);
export const directionChoices = choices(directions);
export const accountState = said(accounts);
export const accountChoices = choices(accounts);
export const tenantState = said(tenants);
export const tenantChoices = choices(tenants);
export const jobState = said(jobs);
export const orderState = said(orders);
export const orderChoices = choices(orders);
export const ownerState = said(owned);
