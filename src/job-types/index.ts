import type { JobType } from "../core/job-type.ts";
import { csvSummary } from "./csv-summary.ts";
import { demoBurn } from "./demo-burn.ts";
import { demoEcho } from "./demo-echo.ts";
import { demoFail } from "./demo-fail.ts";
import { demoSleep } from "./demo-sleep.ts";

export const builtInJobTypes: readonly JobType[] = [
  csvSummary,
  demoEcho,
  demoSleep,
  demoBurn,
  demoFail,
];
