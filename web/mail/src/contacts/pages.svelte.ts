// A list of the server that is fetched part by part as it is scrolled, and looked at anew without going away from the screen.

export type FetchPart<T> = (position: number, limit: number, signal: AbortSignal) => Promise<{ items: T[]; total: number }>;

const PART = 100; // rows fetched at once
const MOST = 500; // rows fetched at once where many are missing

export class Pages<T> {
  items = $state.raw<T[]>([]);
  total = $state(0);
  loading = $state(true);
  error = $state.raw<unknown>();

  private readonly fetch: FetchPart<T>;
  private stop = new AbortController();
  private wanted = 0;
  private running = false;
  private ended = false;

  constructor(fetch: FetchPart<T>) {
    this.fetch = fetch;
    void this.again();
  }

  // need asks for the rows before an index.
  need = (upTo: number): void => {
    this.wanted = Math.max(this.wanted, Math.min(upTo, this.total));
    void this.more();
  };

  // again looks at what is there anew, as far as it is known; the rows in sight stay until the new ones are there.
  async again(): Promise<void> {
    this.stop.abort();
    const stop = (this.stop = new AbortController());
    this.loading = true;
    try {
      const part = await this.fetch(0, Math.min(MOST, Math.max(PART, this.items.length)), stop.signal);
      if (stop !== this.stop) return;
      [this.items, this.total, this.error] = [part.items, part.total, undefined];
    } catch (e) {
      if (stop === this.stop) this.error = e;
    } finally {
      if (stop === this.stop) this.loading = false;
    }
  }

  private async more(): Promise<void> {
    if (this.running || this.ended) return;
    this.running = true;
    const stop = this.stop;
    try {
      while (this.items.length < this.wanted && stop === this.stop) {
        const part = await this.fetch(this.items.length, Math.min(MOST, Math.max(PART, this.wanted - this.items.length)), stop.signal);
        if (stop !== this.stop || !part.items.length) return;
        [this.items, this.total] = [[...this.items, ...part.items], part.total];
      }
    } catch (e) {
      if (stop === this.stop) this.error = e;
    } finally {
      this.running = false;
    }
  }

  end(): void {
    this.ended = true;
    this.stop.abort();
  }
}
