// Two pages, each with its own script; everything they need is in the output folder, nothing is asked of other hosts.
import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

const SHIPPED = [
  ...["preact", "@preact/signals", "@preact/signals-core", "swagger-ui-dist"].map((name) => `${name}/LICENSE`),
  "swagger-ui-dist/NOTICE",
  "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt",
];

/** The licences of what is built in, beside it. */
const licences = {
  name: "licences",
  generateBundle() {
    const texts = SHIPPED.map((path) => `${path}\n\n${readFileSync(`node_modules/${path}`, "utf8")}`);
    this.emitFile({ type: "asset", fileName: "licences.txt", source: texts.join("\n\n") });
  },
};

export default defineConfig({
  base: "/_isthmus/",
  plugins: [licences],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../src/isthmus/edge/explorer/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the page's policy allows no inline script
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000, // Swagger UI is one file
    rolldownOptions: { input: { index: "index.html", openapi: "openapi.html" } },
  },
});
