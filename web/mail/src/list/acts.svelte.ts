// What the buttons and keys above a list or a conversation do with the rows that are meant.
import { sayLoss } from "@tegami/kit";
import type { Id } from "../jmap/types.ts";
import { archive, inBin, junk, markRead, notJunk, star, told, toInbox, trash } from "../state/acts.ts";
import { desk } from "../state/desk.svelte.ts";
import { mailbox } from "../state/mailboxes.svelte.ts";
import { mail, starred, unread } from "../state/mails.svelte.ts";
import { concernedUnread } from "./unread.ts";

export type Act = "archive" | "inbox" | "trash" | "junk" | "not-junk" | "star" | "unread";

let picked = $state.raw<{ what: "move" | "label" | "snooze"; rows: Id[] } | undefined>();
let doomed = $state.raw<Id[] | undefined>();

// picking is what is being chosen for rows: a folder, labels, a time.
export function picking(): typeof picked {
  return picked;
}
export function pick(what: "move" | "label" | "snooze" | undefined, rows = desk.targets): void {
  picked = what && rows.length ? { what, rows } : undefined;
}

// acting are rows whose removal for good is being asked about.
export function acting(): Id[] | undefined {
  return doomed;
}
export function askDestroy(rows: Id[] | undefined): void {
  doomed = rows;
}

// run carries an act out on rows.
export function run(act: Act, rows: Id[] = desk.targets): void {
  if (rows.length === 0) return;
  perform(act, rows).catch((e: unknown) => sayLoss(told(e)));
}

async function perform(act: Act, rows: Id[]): Promise<void> {
  const scope = desk.scope;
  const at = mailbox(scope.box)?.role;
  switch (act) {
    case "star":
      return star(rows, !rows.every((id) => starred(mail(id))), scope);
    case "unread": {
      const read = concernedUnread(rows, scope);
      if (!read) leaveOpen(rows);
      return markRead(rows, read, scope);
    }
    case "trash":
      if (inBin(scope)) return askDestroy(rows);
      desk.leave(rows);
      return void (await trash(rows, scope));
    case "archive":
      if (at === "archive") return;
      desk.leave(rows);
      return void (await archive(rows, scope));
    case "inbox":
      desk.leave(rows);
      return void (await toInbox(rows, scope));
    case "junk":
      if (at === "junk") return perform("not-junk", rows);
      desk.leave(rows);
      return void (await junk(rows, scope));
    case "not-junk":
      desk.leave(rows);
      return void (await notJunk(rows, scope));
  }
}

// Who marks the open message as unread goes back to the list, or it would be read again at once.
function leaveOpen(rows: Id[]): void {
  if (rows.some((id) => !unread(mail(id)))) desk.leaveOpen(rows);
}
