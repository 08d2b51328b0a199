// The keyboard: what a key does, and where that is told. Nothing happens while somebody types, or while an IME composes.

export interface Shortcut {
  keys: string; // "c", "g i", "#", "Shift+n"
  label: string; // a key of the catalogue
  group: "go" | "list" | "act" | "write";
}

export const shortcuts: Shortcut[] = [
  { keys: "c", label: "webmail.keys.compose", group: "write" },
  { keys: "r", label: "webmail.keys.reply", group: "write" },
  { keys: "a", label: "webmail.keys.reply_all", group: "write" },
  { keys: "f", label: "webmail.keys.forward", group: "write" },
  { keys: "Ctrl+Enter", label: "webmail.keys.send", group: "write" },
  { keys: "j", label: "webmail.keys.next", group: "list" },
  { keys: "k", label: "webmail.keys.previous", group: "list" },
  { keys: "o", label: "webmail.keys.open", group: "list" },
  { keys: "u", label: "webmail.keys.unread", group: "act" },
  { keys: "x", label: "webmail.keys.select", group: "list" },
  { keys: "Ctrl+a", label: "webmail.keys.select_all", group: "list" },
  { keys: "Esc", label: "webmail.keys.back", group: "list" },
  { keys: "e", label: "webmail.keys.archive", group: "act" },
  { keys: "#", label: "webmail.keys.delete", group: "act" },
  { keys: "!", label: "webmail.keys.junk", group: "act" },
  { keys: "s", label: "webmail.keys.star", group: "act" },
  { keys: "v", label: "webmail.keys.move", group: "act" },
  { keys: "l", label: "webmail.keys.label", group: "act" },
  { keys: "b", label: "webmail.keys.snooze", group: "act" },
  { keys: "z", label: "webmail.keys.undo", group: "act" },
  { keys: "/", label: "webmail.keys.search", group: "go" },
  { keys: "g i", label: "webmail.keys.go_inbox", group: "go" },
  { keys: "g s", label: "webmail.keys.go_starred", group: "go" },
  { keys: "g d", label: "webmail.keys.go_drafts", group: "go" },
  { keys: "g t", label: "webmail.keys.go_sent", group: "go" },
  { keys: "g c", label: "webmail.keys.go_contacts", group: "go" },
  { keys: "?", label: "webmail.keys.sheet", group: "go" },
];

let sheet = $state(false);

export function keysShown(): boolean {
  return sheet;
}
export function showKeys(): void {
  sheet = true;
}
export function hideKeys(): void {
  sheet = false;
}

const PAUSE = 1200; // milliseconds in which the second key of two must follow
let first = "";
let timer: ReturnType<typeof setTimeout> | undefined;

// typing tells that a key belongs to a field, a menu or a dialog.
function typing(e: KeyboardEvent): boolean {
  const at = e.target as Element | null;
  if (document.querySelector("dialog[open], [role=menu]:popover-open")) return true;
  return !!at?.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]:not([contenteditable=false])");
}

// pressed gives the keys of a shortcut that an event completes; "" where it is none.
export function pressed(e: KeyboardEvent): string {
  if (e.isComposing || e.keyCode === 229 || e.defaultPrevented || e.altKey || typing(e)) return "";
  clearTimeout(timer);
  if (e.ctrlKey || e.metaKey) return e.key.toLowerCase() === "a" ? "Ctrl+a" : "";
  const key = e.key === "Escape" ? "Esc" : e.key;
  if (first) {
    const both = `${first} ${key}`;
    first = "";
    if (shortcuts.some((s) => s.keys === both)) return both;
  }
  if (key === "g") {
    first = key;
    timer = setTimeout(() => (first = ""), PAUSE);
    return "";
  }
  return key;
}
