// Whether an answer is given while one is away: the shell reminds of it.
import { refused } from "../jmap/client.ts";
import { OUR_RULES, VACATION } from "../jmap/types.ts";
import { jmap } from "../state/session.svelte.ts";
import { beside, loadFilters } from "./filters.svelte.ts";
import type { VacationResponse } from "./types.ts";

let known = $state.raw<VacationResponse | undefined>();

export const vacation = (): VacationResponse | undefined => known;

export async function loadVacation(): Promise<void> {
  if (jmap.can(VACATION)) known = (await jmap.one("VacationResponse/get", { ids: ["singleton"] })).list[0];
}

// answering tells whether somebody who writes now is answered.
export function answering(v: VacationResponse | undefined = known, now = Date.now()): boolean {
  if (!v?.isEnabled) return false;
  return (!v.fromDate || new Date(v.fromDate).getTime() <= now) && (!v.toDate || new Date(v.toDate).getTime() > now);
}

// changeVacation changes it. A script that somebody wrote runs on behind it.
export async function changeVacation(change: Partial<VacationResponse>): Promise<void> {
  if (change.isEnabled && jmap.can(OUR_RULES)) {
    await loadFilters();
    await beside();
  }
  const e = refused((await jmap.one("VacationResponse/set", { update: { singleton: change } })).notUpdated);
  if (e) throw e;
  await loadVacation();
}
