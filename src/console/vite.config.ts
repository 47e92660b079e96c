import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** Stands in the page for the nonce; the server replaces it in each answer. */
const NONCE_PLACEHOLDER = "__CSP_NONCE__";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "/console/",
  html: { cspNonce: NONCE_PLACEHOLDER },
  build: {
    outDir: fileURLToPath(new URL("../../dist/console", import.meta.url)),
    emptyOutDir: true,
    // a data: script or style would need a looser policy
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    rolldownOptions: {
      input: ["index.html", "portal.html"].map((page) =>
        fileURLToPath(new URL(page, import.meta.url)),
      ),
      onwarn(warning, report) {
        // "use client" of the component library means nothing here
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") report(warning);
      },
    },
  },
});
