// Whether an answer is given while one is away: the shell reminds of it.
import { VACATION } from "../jmap/types.ts";
import { jmap } from "../state/session.svelte.ts";
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

// endVacation switches it off.
export async function endVacation(): Promise<void> {
  await jmap.one("VacationResponse/set", { update: { singleton: { isEnabled: false } } });
  await loadVacation();
}
