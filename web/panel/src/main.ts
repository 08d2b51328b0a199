// The panel begins: words, who calls, and the screen of the address are fetched side by side, then the shell stands.
import "@tegami/kit/tokens.css";
import "@tegami/kit/base.css";
import { applyTheme, loadWords, startRouter } from "@tegami/kit";
import { mount } from "svelte";
import App from "./App.svelte";
import { screens } from "./screens.ts";
import { begin, screen } from "./session.svelte.ts";

applyTheme();
startRouter("/panel/");
screens.find((s) => s.path === screen())?.load().catch(() => undefined); // the shell loads it again, and tells what went wrong
await Promise.all([loadWords(), begin()]);
mount(App, { target: document.getElementById("app")! });
