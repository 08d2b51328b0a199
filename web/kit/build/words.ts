// A Vite plugin: the modules virtual:words/ja and virtual:words/en hold those entries of the catalogue whose keys stand in the
// sources of the pages. A key must stand there whole ("panel.accounts.title"), never put together from parts.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

// keyForm finds string literals that look like keys of the pages.
const keyForm = /["'`]((?:panel|webmail)\.[a-z0-9_.]+)["'`]/g;

export interface WordsOptions {
  sources: string[]; // folders that are searched for keys
  locales: string; // the folder of ja.json and en.json
}

// keysIn collects the keys in the sources below a folder.
function keysIn(folder: string, found: Set<string>): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== "node_modules" && entry.name !== "dist") keysIn(path, found);
    } else if (/\.(ts|svelte)$/.test(entry.name)) {
      for (const m of readFileSync(path, "utf8").matchAll(keyForm)) found.add(m[1]!);
    }
  }
}

export function words(o: WordsOptions): Plugin {
  const prefix = "virtual:words/";
  return {
    name: "tegami-words",
    resolveId: (id) => (id.startsWith(prefix) ? "\0" + id : undefined),
    load(id) {
      if (!id.startsWith("\0" + prefix)) return undefined;
      const lang = id.slice(prefix.length + 1);
      const file = join(o.locales, `${lang}.json`);
      this.addWatchFile(file);
      const all = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
      const keys = new Set<string>();
      for (const folder of o.sources) keysIn(folder, keys);
      const used: Record<string, string> = {};
      for (const key of [...keys].sort()) {
        const text = all[key];
        if (text === undefined) this.warn(`${lang}.json has no ${key}`);
        else used[key] = text;
      }
      return `export default ${JSON.stringify(used)}`;
    },
  };
}
