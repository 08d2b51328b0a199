// The filters of the account, as the server has them.
import { refused } from "../jmap/client.ts";
import { jmap } from "../state/session.svelte.ts";
import type { FilterRules, Rule } from "./types.ts";

let known = $state.raw<FilterRules | undefined>();

export const filters = (): FilterRules | undefined => known;

export async function loadFilters(): Promise<void> {
  known = (await jmap.one("FilterRules/get", { ids: ["singleton"] })).list[0];
}

// put changes what is filtered by: the page shows it so at once, and as it was where the server refuses.
async function put(change: Partial<FilterRules>): Promise<void> {
  const before = known;
  if (known) known = { ...known, ...change };
  try {
    const e = refused((await jmap.one("FilterRules/set", { update: { singleton: change } })).notUpdated);
    if (e) throw e;
    await loadFilters();
  } catch (e) {
    known = before;
    throw e;
  }
}

// beside has a script that somebody wrote run behind what these pages make.
export const beside = (): Promise<void> => (known?.handWritten && !known.active ? put({ includeHandWritten: true }) : Promise.resolve());

// saveFilters writes all of them in their order. A script that somebody wrote keeps running behind them.
export const saveFilters = (rules: Rule[]): Promise<void> => put({ rules, ...(known?.handWritten ? { includeHandWritten: true } : {}) });

// runAlone ends what a script that somebody wrote does behind them; the script stays.
export const runAlone = (): Promise<void> => put({ includeHandWritten: false });
