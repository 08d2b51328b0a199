// Vite plugins: compress what was built, and hold the first paint to its limit.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const compressible = /\.(js|css|html|svg|json|txt)$/;

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

// compress writes NAME.br and NAME.gz beside every text file, so that the server only sends them.
export function compress(folder: string): Plugin {
  return {
    name: "tegami-compress",
    apply: "build",
    closeBundle() {
      for (const path of files(folder).filter((p) => compressible.test(p))) {
        const text = readFileSync(path);
        writeFileSync(path + ".br", brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: text.length } }));
        writeFileSync(path + ".gz", gzipSync(text, { level: 9 }));
      }
    },
  };
}

export interface FirstPaint {
  limit: number; // octets, gzip
  needs: RegExp[]; // modules that the first screen loads beyond the entry, by the name of their chunk
}

// firstPaint adds up what a browser loads before the first screen stands: the page, the entry with all it imports, one language and
// one screen, with their styles. Above the limit the build fails.
export function firstPaint(o: FirstPaint): Plugin {
  return {
    name: "tegami-first-paint",
    apply: "build",
    generateBundle(_, bundle) {
      const seen = new Set<string>();
      const take = (name: string): void => {
        const chunk = bundle[name];
        if (!chunk || seen.has(name)) return;
        seen.add(name);
        if (chunk.type !== "chunk") return;
        chunk.imports.forEach(take);
        const css = (chunk as { viteMetadata?: { importedCss: Set<string> } }).viteMetadata?.importedCss;
        css?.forEach(take);
      };
      for (const [name, chunk] of Object.entries(bundle)) {
        if (chunk.type === "chunk" && (chunk.isEntry || o.needs.some((n) => n.test(chunk.name)))) take(name);
      }
      let size = 0;
      for (const name of seen) {
        const item = bundle[name]!;
        size += gzipSync(item.type === "chunk" ? item.code : item.source, { level: 9 }).length;
      }
      const said = `first paint: ${(size / 1000).toFixed(1)} KB compressed in ${seen.size} files, of at most ${o.limit / 1000} KB`;
      if (seen.size < 3) this.error("first paint: found too little to measure; the names in `needs` are stale");
      if (size > o.limit) this.error(said);
      this.info(said);
    },
  };
}
