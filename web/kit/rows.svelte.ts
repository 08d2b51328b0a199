// A long list, fetched part by part as it is scrolled: what is there, how many there are, and what is still to come.

export interface Part<T> {
  items: T[] | null;
  next?: string;
  total?: number;
}

export type Fetch<T> = (cursor: string, limit: number, signal: AbortSignal) => Promise<Part<T>>;

export class Rows<T> {
  items = $state.raw<T[]>([]);
  total = $state(0); // as many as the server says, or as are known
  loading = $state(true);
  done = $state(false);
  error = $state.raw<unknown>(undefined);

  private cursor = "";
  private wanted = 0;
  private running = false;
  private stop = new AbortController();
  private readonly fetch: Fetch<T>;
  private readonly limit: number;

  constructor(fetch: Fetch<T>, limit = 200) {
    this.fetch = fetch;
    this.limit = limit;
    this.wanted = 1;
    void this.run();
  }

  // need asks for the rows before an index. What is far away is fetched in larger parts.
  need(upTo: number): void {
    this.wanted = Math.max(this.wanted, upTo);
    void this.run();
  }

  // end gives up what is on its way.
  end(): void {
    this.stop.abort();
  }

  // change puts a row in the place of the one it is the new state of; without a new one the row goes.
  change(is: (item: T) => boolean, to?: T): void {
    const before = this.items.length;
    this.items = to ? this.items.map((i) => (is(i) ? to : i)) : this.items.filter((i) => !is(i));
    this.total -= before - this.items.length;
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    while (!this.done && this.items.length < this.wanted && !this.stop.signal.aborted) await this.more();
    this.running = false;
  }

  private async more(): Promise<void> {
    this.loading = true;
    try {
      const far = this.wanted - this.items.length > this.limit;
      const part = await this.fetch(this.cursor, far ? 1000 : this.limit, this.stop.signal);
      this.items = this.items.concat(part.items ?? []);
      this.cursor = part.next ?? "";
      this.done = !part.next;
      this.total = this.done ? this.items.length : Math.max(part.total ?? 0, this.items.length + 1);
      this.error = undefined;
    } catch (e) {
      if (this.stop.signal.aborted) return;
      this.error = e;
      this.done = true;
    } finally {
      this.loading = false;
    }
  }
}
