import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const FRONT = fileURLToPath(new URL("../comfyui-client.js", import.meta.url));
const vite = await import("vite").catch(() => null);

test(
  "all modules in one, made small and compressed, are less than 10 kB",
  {
    skip: vite === null && "there is no bundler: see npm ci",
  },
  async () => {
    const built = await vite.build({
      configFile: false,
      logLevel: "silent",
      root: fileURLToPath(new URL("..", import.meta.url)),
      build: {
        write: false,
        rollupOptions: { input: FRONT, preserveEntrySignatures: "strict" },
      },
    });
    const { output } = /** @type {any} */ (built);
    const chunks = output.filter(({ type }) => type === "chunk");
    const bytes = gzipSync(chunks.map(({ code }) => code).join(""), { level: 9 }).length;
    assert.equal(chunks.length, 1);
    assert.ok(/connect/.test(chunks[0].code));
    assert.ok(bytes < 10_000, `${bytes} bytes`);
  },
);
