import { defineConfig } from "vite";

export default defineConfig({
  build: {
    lib: { entry: "src/index.ts", formats: ["es"], fileName: "index" },
    // React is the page's own.
    rolldownOptions: { external: [/^react(-dom)?($|\/)/, "runrelay-client"] },
    minify: false,
    sourcemap: true,
    target: "es2022",
  },
  logLevel: "warn",
});
