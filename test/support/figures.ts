import { appendFileSync } from "node:fs";

/** Something worth knowing of the server that tests run on; `npm run test:postgres` prints it. */
export function noteFigure(line: string): void {
  const file = process.env["TEST_FIGURES"];
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}
