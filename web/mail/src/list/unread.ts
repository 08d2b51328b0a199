import type { Id } from "../jmap/types.ts";
import type { Scope } from "../state/acts.ts";
import { mail, threadOf, unread } from "../state/mails.svelte.ts";

// concernedUnread tells whether something in the rows, with their conversations, is unread.
export function concernedUnread(rows: Id[], scope: Scope): boolean {
  return rows.some((id) => (scope.collapse ? (threadOf(mail(id)?.threadId) ?? [id]) : [id]).some((other) => unread(mail(other))));
}
