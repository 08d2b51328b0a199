// The windows in which messages are written.
import { sayLoss } from "@tegami/kit";
import { told } from "../state/acts.ts";
import { begin } from "./begin.ts";
import type { Draft } from "./draft.svelte.ts";
import type { Start } from "./start.svelte.ts";

export type Mode = "window" | "full" | "small";

export interface Window {
  draft: Draft;
  mode: Mode;
}

const MOST = 6; // windows at once

let open = $state.raw<Window[]>([]);

export function windows(): Window[] {
  return open;
}

// show opens a window for a wish. A draft that is open already comes to the front.
export async function show(start: Start): Promise<void> {
  const there = start.kind === "draft" ? open.find((w) => w.draft.saved === start.id) : undefined;
  if (there) return setMode(there.draft, "window");
  try {
    put(await begin(start));
  } catch (e) {
    sayLoss(told(e));
  }
}

// put opens a window of a draft.
export function put(draft: Draft): void {
  const others = open.filter((w) => w.draft !== draft).map((w) => (w.mode === "full" ? { ...w, mode: "small" as Mode } : w));
  open = [...others, { draft, mode: "window" as Mode }].slice(-MOST);
}

export function setMode(draft: Draft, mode: Mode): void {
  open = open.map((w) => (w.draft === draft ? { ...w, mode } : w));
}

export function take(draft: Draft): void {
  open = open.filter((w) => w.draft !== draft);
}

// close puts a draft away: it is among the drafts then, or gone if there is nothing in it.
export async function close(draft: Draft): Promise<void> {
  take(draft);
  if (draft.empty && draft.saved) return draft.discard();
  await draft.save().then(
    () => draft.end(),
    (e: unknown) => {
      sayLoss(told(e)); // what this browser keeps of it is offered when the page is opened again
      draft.keep();
    },
  );
}
