// A choice of the reader holds as soon as it is made.
import { say, sayLoss, t } from "@tegami/kit";
import type { Settings } from "../jmap/types.ts";
import { told } from "../state/acts.ts";
import { changeSettings } from "../state/session.svelte.ts";

// choose keeps some choices on the server, and says where that failed.
export async function choose(change: Partial<Settings>): Promise<void> {
  try {
    await changeSettings(change);
    say(t("panel.saved"));
  } catch (e) {
    sayLoss(told(e));
  }
}
