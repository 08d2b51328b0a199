// Labels: the five that mail software knows by their keywords ($label1 … as Thunderbird and others write them), with our names and colours.
import { t } from "@tegami/kit";
import type { Email } from "./jmap/types.ts";
import { has } from "./state/mails.svelte.ts";

export interface Tag {
  keyword: string;
  color: string; // a token of mail.css
  name: () => string;
}

export const tags: Tag[] = [
  { keyword: "$label1", color: "var(--tag-1)", name: () => t("webmail.label.important") },
  { keyword: "$label2", color: "var(--tag-2)", name: () => t("webmail.label.work") },
  { keyword: "$label3", color: "var(--tag-3)", name: () => t("webmail.label.personal") },
  { keyword: "$label4", color: "var(--tag-4)", name: () => t("webmail.label.todo") },
  { keyword: "$label5", color: "var(--tag-5)", name: () => t("webmail.label.later") },
];

export function tagsOf(e: Email | undefined): Tag[] {
  return tags.filter((tag) => has(e, tag.keyword));
}
