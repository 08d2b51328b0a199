// What lies before the reader: the list in sight, the row the keys are at, and the rows that are selected.
import { go } from "@tegami/kit";
import type { Id } from "../jmap/types.ts";
import type { Scope } from "./acts.ts";
import { MailList } from "./list.svelte.ts";
import { close, hrefOpen, opened, queryOf, type View } from "./place.svelte.ts";
import { show } from "./sync.svelte.ts";

class Desk {
  list = $state.raw<MailList | undefined>();
  cursor = $state<Id | undefined>();
  selected = $state.raw<Set<Id>>(new Set());
  view = $state.raw<View | undefined>();
  // wide tells that list and message stand side by side.
  wide = $state(true);

  private lists = new Map<string, MailList>(); // those seen last, so that going back shows them at once

  // lay puts a list before the reader.
  lay(view: View): void {
    const key = JSON.stringify(queryOf(view));
    this.view = view;
    let list = this.lists.get(key);
    if (list === this.list && list) return;
    if (list) list.refresh();
    else list = new MailList(queryOf(view));
    this.lists.delete(key);
    this.lists.set(key, list);
    for (const [old, l] of this.lists) {
      if (this.lists.size <= KEPT) break;
      l.end();
      this.lists.delete(old);
    }
    this.list = list;
    this.selected = new Set();
    this.cursor = undefined;
    show(list);
  }

  get scope(): Scope {
    return { list: this.list, box: this.view?.box?.id, collapse: this.view?.collapse ?? false };
  }

  // targets are the rows that an act concerns: those selected, else the one that is open, else the one the keys are at.
  get targets(): Id[] {
    if (this.selected.size) return [...this.selected];
    const at = this.openRow() ?? opened() ?? this.cursor;
    return at ? [at] : [];
  }

  // openRow is the row of the message that is open.
  openRow(): Id | undefined {
    const id = opened();
    return id && this.list && this.list.place(id) >= 0 ? id : undefined;
  }

  toggle(id: Id, on = !this.selected.has(id)): void {
    const next = new Set(this.selected);
    if (on) next.add(id);
    else next.delete(id);
    this.selected = next;
    this.cursor = id;
  }

  // range selects from the row the keys are at to another.
  range(to: Id): void {
    const list = this.list;
    if (!list) return;
    const [a, b] = [Math.max(0, list.place(this.cursor)), list.place(to)];
    const next = new Set(this.selected);
    for (let i = Math.min(a, b); i <= Math.max(a, b); i++) {
      const id = list.at(i);
      if (id) next.add(id);
    }
    this.selected = next;
    this.cursor = to;
  }

  all(): void {
    this.selected = new Set(this.list?.known());
  }

  none(): void {
    this.selected = new Set();
  }

  // step goes to the next row or the one before, and opens it where a message is open.
  step(by: number): void {
    const list = this.list;
    if (!list) return;
    const from = list.place(opened() ?? this.cursor);
    const to = list.at(Math.max(0, Math.min(list.total - 1, from < 0 ? 0 : from + by)));
    if (!to) return;
    this.cursor = to;
    if (opened()) go(hrefOpen(to), true);
  }

  // leave goes on from rows that an act is about to take away: to the row after them, or back to the list.
  leave(rows: Id[]): void {
    this.selected = new Set();
    const at = opened();
    if (!at || !rows.includes(at)) return;
    const next = this.after(at, new Set(rows));
    this.cursor = next;
    if (next && this.wide) go(hrefOpen(next), true);
    else close();
  }

  // leaveOpen closes a message that is among rows; the list stays as it is.
  leaveOpen(rows: Id[]): void {
    const at = opened();
    if (!at || !rows.includes(at)) return;
    this.cursor = at;
    close();
  }

  private after(id: Id, gone: Set<Id>): Id | undefined {
    const list = this.list;
    const at = list?.place(id) ?? -1;
    if (!list || at < 0) return undefined;
    for (const by of [1, -1]) {
      for (let i = at + by; i >= 0 && i < list.total; i += by) {
        const other = list.at(i);
        if (other === undefined) break;
        if (!gone.has(other)) return other;
      }
    }
    return undefined;
  }
}

const KEPT = 8; // lists

export const desk = new Desk();
