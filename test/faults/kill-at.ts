import { setFailpointHook } from "../../src/core/failpoint.ts";

/**
 * Preloaded (`node --import`) into a process of the product: kills it, as `kill -9` does, when it
 * reaches the checkpoint of `KILL_AT` for the nth time: `finish:committed` or `finish:committed#3`.
 */
const [point, nth = "1"] = (process.env["KILL_AT"] ?? "").split("#");
let left = Number(nth);

setFailpointHook((reached) => {
  if (reached !== point) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, "SIGKILL");
});
