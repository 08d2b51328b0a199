import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { compress, firstPaint } from "../kit/build/compress.ts";
import { words } from "../kit/build/words.ts";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const pages = at("./dist/pages");

export default defineConfig({
  base: "/",
  plugins: [
    svelte(),
    words({ sources: [at("./src"), at("../kit")], locales: at("../../i18n/locales") }),
    firstPaint({ limit: 150_000, needs: [/^ja$/, /^Overview$/] }),
    compress(pages),
  ],
  build: {
    outDir: pages,
    emptyOutDir: true,
    assetsDir: "assets",
    assetsInlineLimit: 0, // the content security policy allows no data: addresses
    modulePreload: { polyfill: false },
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // from there on light-dark() is known
    sourcemap: false,
    reportCompressedSize: false,
  },
  // A server started by `make run` answers the API while the pages are worked on.
  server: { proxy: { "^/(api|login|logout)": { target: process.env.TEGAMI_URL ?? "https://127.0.0.1:24006", secure: false, changeOrigin: false } } },
});
