// Bundles the tests and runs them with Node's own runner.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const out = mkdtempSync(join(tmpdir(), "tegami-mail-test-"));
try {
  await build({ configFile: false, logLevel: "error", root: fileURLToPath(new URL("..", import.meta.url)), build: { ssr: "test/pure.test.ts", outDir: out, emptyOutDir: true } });
  process.exitCode = spawnSync(process.execPath, ["--test", "--test-reporter=dot", out], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true });
}
