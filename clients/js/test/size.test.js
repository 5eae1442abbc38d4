import assert from "node:assert/strict";
import { test } from "node:test";

import { bundled } from "./bundle.js";

const vite = await import("vite").catch(() => null);

test(
  "all modules in one, made small and compressed, are less than 10 kB",
  {
    skip: vite === null && "there is no bundler: see npm ci",
  },
  async () => {
    const { chunks, bytes } = await bundled();
    assert.equal(chunks.length, 1);
    assert.ok(/connect/.test(chunks[0]));
    assert.ok(bytes < 10_000, `${bytes} bytes`);
  },
);
