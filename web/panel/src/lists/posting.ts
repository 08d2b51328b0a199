// Who may write to a mailing list.
import { t } from "@tegami/kit";

const names: Record<string, string> = { anyone: "panel.posting.anyone", tenant: "panel.posting.tenant", domain: "panel.posting.domain", members: "panel.posting.members", listed: "panel.posting.listed" };

export const postingName = (name: string) => (names[name] ? t(names[name]) : name);
export const postingChoices = () => Object.entries(names).map(([value, key]) => ({ value, label: t(key) }));
