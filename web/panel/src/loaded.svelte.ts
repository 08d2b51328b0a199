// Something that a screen fetches when it is shown, and again when what it was asked with changes.
import { untrack } from "svelte";

export class Loaded<T> {
  data = $state.raw<T | undefined>();
  error = $state.raw<unknown>();
  loading = $state(true);

  private turn = $state(0);

  // fetch is run anew when state that it reads before its first await changes.
  constructor(fetch: () => Promise<T> | undefined) {
    $effect(() => {
      void this.turn;
      const asked = fetch();
      let stale = false;
      untrack(() => (this.loading = true));
      asked?.then(
        (data) => {
          if (!stale) [this.data, this.error, this.loading] = [data, undefined, false];
        },
        (e: unknown) => {
          if (!stale) [this.error, this.loading] = [e, false];
        },
      );
      return () => (stale = true);
    });
  }

  // reload fetches again; what was there stays until then.
  reload = (): void => {
    this.turn++;
  };
}

// every runs something again and again while a screen is shown.
export function every(seconds: number, act: () => void): void {
  $effect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) act();
    }, seconds * 1000);
    return () => clearInterval(timer);
  });
}
