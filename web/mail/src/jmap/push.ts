// What changes on the server is told by an event source (RFC 8620 §7.3). Where that fails, the page looks by itself from time to time.
import type { Client } from "./client.ts";
import type { Id } from "./types.ts";

// Changed are the new states of an account's types: { "Email": "42", "Mailbox": "42" }.
export type Changed = Record<string, string>;

const PING = 60; // seconds between signs of life
const LOOK = 60_000; // milliseconds between looks without an event source
const FIRST = 1000; // milliseconds before it is tried again, doubled up to LOOK

export class Push {
  private readonly client: Client;
  private readonly changed: (account: Id, states: Changed | undefined) => void;
  private source?: EventSource;
  private timer?: ReturnType<typeof setTimeout>;
  private wait = FIRST;

  // changed hears the states of an account; undefined says that something may have changed.
  constructor(client: Client, changed: (account: Id, states: Changed | undefined) => void) {
    this.client = client;
    this.changed = changed;
  }

  start(): void {
    this.open();
    addEventListener("online", () => this.again());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.source?.readyState !== EventSource.OPEN) this.again();
    });
  }

  private again(): void {
    clearTimeout(this.timer);
    this.wait = FIRST;
    this.open();
    this.changed(this.client.account, undefined);
  }

  private open(): void {
    this.source?.close();
    const url = this.client.session.eventSourceUrl.replace("{types}", "*").replace("{closeafter}", "no").replace("{ping}", String(PING));
    const source = new EventSource(url, { withCredentials: true });
    this.source = source;
    let opened = false;
    source.onopen = () => {
      if (opened) this.changed(this.client.account, undefined); // what happened while it was away
      opened = true;
      this.wait = FIRST;
    };
    source.addEventListener("state", (e) => {
      const told = JSON.parse((e as MessageEvent<string>).data) as { changed?: Record<Id, Changed> };
      for (const [account, states] of Object.entries(told.changed ?? {})) this.changed(account, states);
    });
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.open(), this.wait);
      if (this.wait >= LOOK) this.changed(this.client.account, undefined);
      this.wait = Math.min(LOOK, this.wait * 2);
    };
  }
}
