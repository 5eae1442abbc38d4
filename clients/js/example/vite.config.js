import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { shop } from "./routes.js";

/** @param {string} path */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const answering = shop({
  server: process.env.RUNRELAY_URL ?? "http://127.0.0.1:8000",
  key: process.env.RUNRELAY_KEY ?? "",
});

export default defineConfig({
  plugins: [
    {
      name: "shop",
      configureServer: (server) => void server.middlewares.use(answering),
      configurePreviewServer: (server) => void server.middlewares.use(answering),
    },
  ],
  // The package as it lies here. A project of your own has it installed, and needs none of this.
  resolve: {
    alias: [
      { find: "runrelay-client/react/style.css", replacement: here("../react/style.css") },
      { find: "runrelay-client/react", replacement: here("../react/src/index.ts") },
      { find: "runrelay-client", replacement: here("../comfyui-client.js") },
    ],
  },
  server: { host: "127.0.0.1", port: 5173 },
  preview: { host: "127.0.0.1", port: 5173 },
  build: { target: "es2022" },
});
