/**
 * The client as a page of one's own loads it: all modules in one, made small, compressed.
 *
 * Run by itself, it prints how many bytes that is.
 */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const FRONT = fileURLToPath(new URL("../comfyui-client.js", import.meta.url));

/** Returns the chunks of code that a bundler makes of the client, and their bytes in gzip. */
export async function bundled() {
  const { build } = await import("vite");
  const built = await build({
    configFile: false,
    logLevel: "silent",
    root: fileURLToPath(new URL("..", import.meta.url)),
    build: {
      write: false,
      rollupOptions: { input: FRONT, preserveEntrySignatures: "strict" },
    },
  });
  const { output } = /** @type {any} */ (built);
  const chunks = output.filter(({ type }) => type === "chunk").map(({ code }) => code);
  return { chunks, bytes: gzipSync(chunks.join(""), { level: 9 }).length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log((await bundled()).bytes);
}
