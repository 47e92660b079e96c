import { readFileSync } from "node:fs";

/**
 * Preloaded (`node --import`) into a process of the product: its clock is off by as many
 * milliseconds as `CLOCK_FILE` says, from a tenth of a second after that is written. Clocks that
 * count from the start of the process (`performance.now()`, timers) go on as they are, as after a
 * jump of a real clock.
 */
const LOOK_MS = 100;
const file = process.env["CLOCK_FILE"];
const TrueDate = Date;
let offsetMs = 0;

function now(): number {
  return TrueDate.now() + offsetMs;
}

// the threads of jobs may not see the variable: they keep the true time
if (file !== undefined) {
  globalThis.Date = new Proxy(TrueDate, {
    construct: (target, args, made) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, made) as object,
    apply: () => new TrueDate(now()).toString(),
    get: (target, name, receiver) =>
      name === "now" ? now : (Reflect.get(target, name, receiver) as unknown),
  });
  setInterval(() => (offsetMs = Number(readFileSync(file, "utf8"))), LOOK_MS).unref();
}
