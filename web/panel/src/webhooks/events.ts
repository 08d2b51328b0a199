// The types of events that webhooks hear of, as they are called in the pages.
import { t } from "@tegami/kit";

const things: Record<string, string> = {
  account: "panel.accounts.title", group: "panel.groups.title", list: "panel.lists.title", domain: "panel.domains.title", settings: "panel.settings.title", key: "panel.keys.title", contact: "panel.gal.contact",
  quota: "panel.used", signin: "panel.event.signin",
};
const happened: Record<string, string> = {
  created: "panel.event.created", changed: "panel.event.changed", deleted: "panel.event.deleted", suspended: "panel.event.suspended", resumed: "panel.event.resumed", restored: "panel.event.restored",
  destroyed: "panel.event.destroyed", members: "panel.event.members", warned: "panel.event.warned", locked: "panel.event.locked",
};

// ALL stands for every type.
export const ALL = "*";

// eventName is what a type is called: "account.created" is "アカウント: 追加".
export function eventName(type: string): string {
  if (type === ALL) return t("panel.event.all");
  if (type === "webhook.test") return t("panel.webhooks.test");
  const [thing = "", what = ""] = type.split(".");
  return things[thing] && happened[what] ? `${t(things[thing])}: ${t(happened[what])}` : type;
}
