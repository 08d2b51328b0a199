// The filters of the account, as the server has them.
import { refused } from "../jmap/client.ts";
import { jmap } from "../state/session.svelte.ts";
import type { FilterRules, Rule } from "./types.ts";

let known = $state.raw<FilterRules | undefined>();

export const filters = (): FilterRules | undefined => known;

export async function loadFilters(): Promise<void> {
  known = (await jmap.one("FilterRules/get", { ids: ["singleton"] })).list[0];
}

// saveFilters writes all of them in their order: the page shows them so at once, and as they were where the server refuses.
export async function saveFilters(rules: Rule[]): Promise<void> {
  const before = known;
  if (known) known = { ...known, rules };
  try {
    const e = refused((await jmap.one("FilterRules/set", { update: { singleton: { rules } } })).notUpdated);
    if (e) throw e;
    await loadFilters();
  } catch (e) {
    known = before;
    throw e;
  }
}

// activateFilters takes them in the place of the script that somebody wrote, which stays as it is.
export async function activateFilters(): Promise<void> {
  const e = refused((await jmap.one("FilterRules/set", { update: { singleton: { handWritten: false } } })).notUpdated);
  if (e) throw e;
  await loadFilters();
}
