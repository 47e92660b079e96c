// Bundles an entry as a browser would get it, and prints its size and what it holds of Node.
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const [, , entry, exported] = process.argv;
writeFileSync("entry.mjs", `export { ${exported} } from "${entry}";`);
const result = await build({
  configFile: false,
  logLevel: "silent",
  build: {
    write: false,
    minify: true,
    rolldownOptions: { input: "entry.mjs", preserveEntrySignatures: "strict" },
  },
});
const code = [result]
  .flat()[0]
  .output.map((chunk) => chunk.code ?? "")
  .join("");
const node = code.match(/node:\w+|__vite-browser-external|\bzod\b|\brequire\(/g) ?? [];
console.log(JSON.stringify({ bytes: code.length, gzipped: gzipSync(code).length, node }));
