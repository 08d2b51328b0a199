// Bodies fetched before somebody asks for them: of the row the pointer rests on, of those beside the open message, of the unread in sight.
import type { Id } from "../jmap/types.ts";
import { isDraft, isOpened, mail, openMails, threadOf, unread } from "../state/mails.svelte.ts";
import { isOnline } from "../state/session.svelte.ts";

const LARGE = 256 * 1024; // octets: a larger message is fetched when it is opened
const MOST = 16; // messages fetched ahead at once

// frugal tells that the reader asked the browser to save what it transfers.
const frugal = (): boolean => (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;

// likely are the messages that stand open when a row is opened: its own, the last of its conversation, the unread.
function likely(row: Id, conversations: boolean): Id[] {
  const all = conversations ? (threadOf(mail(row)?.threadId) ?? []) : [];
  return [row, ...all.filter((id) => unread(mail(id))), ...all.filter((id) => !isDraft(mail(id))).slice(-1)];
}

// readAhead fetches what opening rows will show, as far as it isn't known.
export function readAhead(rows: (Id | undefined)[], conversations: boolean): void {
  if (!isOnline() || frugal()) return;
  const ids = rows.flatMap((id) => (id === undefined ? [] : likely(id, conversations)));
  const wanted = [...new Set(ids)].filter((id) => !isOpened(id) && (mail(id)?.size ?? LARGE) < LARGE).slice(0, MOST);
  if (wanted.length) void openMails(wanted).catch(() => undefined); // opening it says what is wrong
}
