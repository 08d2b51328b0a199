// The webmail begins: words and who reads are fetched side by side, then folders and the first rows, then the shell stands.
import "@tegami/kit/tokens.css";
import "@tegami/kit/base.css";
import "./mail.css";
import { applyTheme, loadWords, startRouter } from "@tegami/kit";
import { mount } from "svelte";
import App from "./App.svelte";
import { readyFrame } from "./read/frames.ts";
import { openRealm } from "./read/realm.ts";
import { desk } from "./state/desk.svelte.ts";
import { loadMailboxes, recallMailboxes } from "./state/mailboxes.svelte.ts";
import { loadPending } from "./state/pending.svelte.ts";
import { view } from "./state/place.svelte.ts";
import { begin, beginning, failedToBegin, loadMine, recallMine } from "./state/session.svelte.ts";
import { onSubmissions, startSync } from "./state/sync.svelte.ts";

// first lays the list of the address out before the page stands.
function first(): void {
  const at = view();
  if (at) desk.lay(at);
}

applyTheme();
const guest = /^\/mail\/a\/([^/]+)\//.exec(location.pathname); // the folders of a colleague
startRouter(guest?.[0] ?? "/mail/");
const words = loadWords();
await begin(guest?.[1]);
if (!beginning()) {
  const known = Promise.all([loadMailboxes(), loadMine()]);
  // The list is asked for with what was known last, while the folders are being fetched.
  await Promise.all([recallMailboxes(), recallMine()]).then(first);
  await known.then(first, failedToBegin);
}
await words;
mount(App, { target: document.getElementById("app")! });
if (!beginning()) {
  startSync();
  const lookPending = () => void loadPending().catch(() => undefined); // it stands in the navigation only
  onSubmissions(lookPending);
  lookPending();
  void openRealm().then(readyFrame);
}
if ("serviceWorker" in navigator && import.meta.env.PROD) void navigator.serviceWorker.register("/mail/sw.js", { scope: "/mail/" }).catch(() => undefined);
