import { statSync } from "node:fs";
import { createProject } from "./project.ts";

/** `npm run sizes`: of the tarball, and of what a browser gets when it imports one thing. */
const project = createProject();
try {
  const { size } = statSync(project.tarball);
  console.log(`packed        ${size} bytes, ${project.files.length} files`);
  for (const exported of ["verifyWebhook", "Ringback"]) {
    const printed = project.run(["bundle.mjs", "ringback", exported]);
    const { bytes, gzipped } = JSON.parse(printed) as { bytes: number; gzipped: number };
    console.log(`${exported.padEnd(13)} ${bytes} bytes minified, ${gzipped} gzipped`);
  }
} finally {
  project.remove();
}
