// A list of messages of any length: its rows are known where they are or were looked at. The server sorts and counts.
import { untrack } from "svelte";
import { Refusal } from "../jmap/client.ts";
import type { Filter, Id, Sort } from "../jmap/types.ts";
import { keptMail, recall, remember } from "../offline/store.ts";
import { mail, mailState, rowProperties, setMailState, take, takeThreads, trim } from "./mails.svelte.ts";
import { jmap } from "./session.svelte.ts";

const PAGE = 64; // rows fetched at once
const KEPT = "list:";

export interface Query {
  filter: Filter;
  sort: Sort[];
  collapse: boolean; // one row a conversation
}

export class MailList {
  readonly query: Query;
  total = $state(0);
  loading = $state(true);
  begun = $state(false); // something is known
  error = $state.raw<unknown>();
  // shifted is called when rows above what is in sight came or went: by how many.
  shifted: (by: number) => void = () => {};

  private rows: (Id | undefined)[] = [];
  private turn = $state(0);
  private state = "";
  private sight: [number, number] = [0, PAGE - 1];
  private running = false;
  private ended = false;
  private again = false;

  constructor(query: Query) {
    this.query = query;
    void this.run();
  }

  // at is the message in a row; undefined while that isn't known.
  at(i: number): Id | undefined {
    void this.turn;
    return this.rows[i];
  }

  // place is the row of a message, -1 where it is in none that is known.
  place(id: Id | undefined): number {
    void this.turn;
    return id === undefined ? -1 : this.rows.indexOf(id);
  }

  // known lists the messages of known rows.
  known(): Id[] {
    void this.turn;
    return this.rows.filter((id) => id !== undefined);
  }

  // need tells which rows are in sight.
  need(from: number, to: number): void {
    this.sight = [from, to];
    void this.run();
  }

  end(): void {
    this.ended = true;
  }

  // refresh looks again at what is in sight. What is known stays until then, and keeps its place.
  refresh(): void {
    this.again = true;
    void this.run();
  }

  // remove takes rows out before the server does, and gives a way back.
  remove(gone: Set<Id>): () => void {
    const before = this.rows;
    const total = untrack(() => this.total);
    const rows = before.slice();
    for (let i = rows.length - 1; i >= 0; i--) {
      const id = rows[i];
      if (id !== undefined && gone.has(id)) rows.splice(i, 1);
    }
    this.rows = rows;
    this.total = rows.length;
    this.turn++;
    return () => {
      this.rows = before;
      this.total = total;
      this.turn++;
    };
  }

  private missing(): number | undefined {
    const [from, to] = this.sight;
    const last = this.begun ? Math.min(to, this.total - 1) : to;
    for (let i = Math.max(0, from); i <= last; i++) if (!mail(this.rows[i])) return i;
    return undefined;
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    let before = -1; // the page fetched last: what is still missing of it isn't there
    try {
      for (;;) {
        if (this.ended) return;
        if (this.again && untrack(() => this.begun)) {
          this.again = false;
          await this.look();
          continue;
        }
        const at = untrack(() => this.missing());
        if (at === undefined) return;
        const first = Math.floor(at / PAGE) * PAGE;
        if (first === before) return;
        before = first;
        const out = await this.fetch({ position: first });
        if (this.ended) return;
        this.error = undefined;
        this.fill(out, this.state !== "" && out.state !== this.state);
        if (first === 0) void remember(KEPT + JSON.stringify(this.query), { ids: out.ids, total: out.total });
        if (out.ids.length === 0) return;
      }
    } catch (e) {
      if (!(await this.recalled())) this.error = e;
    } finally {
      this.running = false;
      this.loading = false;
    }
  }

  // look fetches what is in sight anew, held by the first row in sight, so that nothing jumps.
  private async look(): Promise<void> {
    const [from] = this.sight;
    const anchor = from > 0 ? this.rows[from] : undefined;
    const ahead = Math.min(from, PAGE / 2);
    let out: Fetched;
    try {
      out = await this.fetch(anchor ? { anchor, anchorOffset: -ahead } : { position: Math.max(0, from - ahead) });
    } catch (e) {
      if (!(e instanceof Refusal && e.type === "anchorNotFound")) throw e;
      out = await this.fetch({ position: Math.max(0, from - ahead) });
    }
    if (this.ended) return;
    this.fill(out, true);
    const by = anchor ? this.rows.indexOf(anchor) - from : 0;
    if (by !== 0 && by > -from) this.shifted(by);
  }

  private fill(out: Fetched, anew: boolean): void {
    const rows = anew ? [] : this.rows.slice();
    rows.length = out.total;
    out.ids.forEach((id, i) => (rows[out.position + i] = id));
    this.rows = rows;
    this.state = out.state;
    this.total = out.total;
    this.begun = true;
    this.turn++;
    const [from, to] = this.sight;
    trim(new Set(rows.slice(Math.max(0, from - PAGE), to + PAGE).filter((id) => id !== undefined)));
  }

  private async fetch(where: { position?: number; anchor?: Id; anchorOffset?: number }): Promise<Fetched> {
    const b = jmap.batch();
    const { filter, sort, collapse } = this.query;
    const q = b.call("Email/query", { filter, sort, collapseThreads: collapse, ...where, limit: PAGE, calculateTotal: true });
    const g = b.call("Email/get", { ids: q.ref("/ids"), properties: rowProperties });
    const th = collapse ? b.call("Thread/get", { ids: g.ref("/list/*/threadId") }) : undefined;
    const all = th ? b.call("Email/get", { ids: th.ref("/list/*/emailIds"), properties: rowProperties }) : undefined;
    await b.send();
    const out = q.result;
    take(g.result.list);
    if (!mailState()) setMailState(g.result.state);
    const others = all?.or(undefined);
    if (others) take(others.list);
    const found = th?.or(undefined);
    if (found) takeThreads(found.list);
    return { ids: out.ids, position: out.position, total: out.total ?? out.ids.length, state: out.queryState };
  }

  // recalled shows what was known of the list last, where there is no network.
  private async recalled(): Promise<boolean> {
    if (untrack(() => this.begun)) return true;
    const kept = await recall<{ ids: Id[]; total: number }>(KEPT + JSON.stringify(this.query));
    if (!kept) return false;
    const list = (await Promise.all(kept.ids.map(keptMail))).filter((m) => m !== undefined);
    take(list);
    const ids = list.map((m) => m.id);
    this.fill({ ids, position: 0, total: ids.length, state: "" }, true);
    return true;
  }
}

interface Fetched {
  ids: Id[];
  position: number;
  total: number;
  state: string;
}
