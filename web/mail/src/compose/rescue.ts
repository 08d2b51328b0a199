// What was being written when the browser ended is opened again.
import { dropDraft, keptDrafts } from "../offline/store.ts";
import type { Kept } from "./draft.svelte.ts";
import { compose } from "./start.svelte.ts";

export async function rescue(): Promise<void> {
  const held = new Set((await navigator.locks?.query())?.held?.map((l) => l.name));
  for (const kept of await keptDrafts<Kept>()) {
    if (!held.has(`tegami-draft-${kept.key}`)) {
      compose({ kind: "rescued", kept });
      await dropDraft(kept.key);
    }
  }
}
