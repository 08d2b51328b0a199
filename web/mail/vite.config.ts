import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { compress, firstPaint } from "../kit/build/compress.ts";
import { words } from "../kit/build/words.ts";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const pages = at("./dist/pages");

export default defineConfig({
  base: "/mail/",
  plugins: [
    svelte(),
    words({ sources: [at("./src"), at("../kit")], locales: at("../../i18n/locales") }),
    firstPaint({ limit: 200_000, needs: [/^ja$/, /^Reading$/] }),
    compress(pages),
  ],
  build: {
    outDir: pages,
    emptyOutDir: true,
    assetsDir: "assets",
    assetsInlineLimit: 0, // the content security policy allows no data: addresses of scripts
    modulePreload: { polyfill: false },
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // from there on light-dark() is known
    sourcemap: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: { index: at("./index.html"), sw: at("./src/offline/worker.ts") },
      // The worker that keeps the pages for reading offline has one name for good: a browser asks for it anew by that.
      output: { entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
  },
  // A server started by `make run` answers JMAP while the pages are worked on.
  server: { proxy: { "^/(api|jmap|login|logout|\\.well-known)": { target: process.env.TEGAMI_URL ?? "https://127.0.0.1:24006", secure: false, changeOrigin: false, ws: true } } },
});
