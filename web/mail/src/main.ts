// The webmail begins: words and who reads are fetched side by side, then folders and the first rows, then the shell stands.
import "@tegami/kit/tokens.css";
import "@tegami/kit/base.css";
import "./mail.css";
import { applyTheme, loadWords, startRouter } from "@tegami/kit";
import { mount } from "svelte";
import App from "./App.svelte";
import { openRealm } from "./read/realm.ts";
import { loadMailboxes } from "./state/mailboxes.svelte.ts";
import { begin, beginning, failedToBegin, loadMine } from "./state/session.svelte.ts";
import { startSync } from "./state/sync.svelte.ts";

applyTheme();
startRouter("/mail/");
await Promise.all([loadWords(), begin()]);
if (!beginning()) await Promise.all([loadMailboxes(), loadMine()]).catch(failedToBegin);
mount(App, { target: document.getElementById("app")! });
if (!beginning()) {
  startSync();
  void openRealm();
}
if ("serviceWorker" in navigator && import.meta.env.PROD) void navigator.serviceWorker.register("/mail/sw.js", { scope: "/mail/" }).catch(() => undefined);
