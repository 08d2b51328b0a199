// The panel begins: words and who calls are fetched side by side, then the shell stands.
import "@tegami/kit/tokens.css";
import "@tegami/kit/base.css";
import { applyTheme, loadWords, startRouter } from "@tegami/kit";
import { mount } from "svelte";
import App from "./App.svelte";
import { begin } from "./session.svelte.ts";

applyTheme();
startRouter("/panel/");
await Promise.all([loadWords(), begin()]);
mount(App, { target: document.getElementById("app")! });
