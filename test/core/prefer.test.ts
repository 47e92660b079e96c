import { MAX_WAIT_S, parsePrefer, waitSeconds } from "../../src/core/prefer.ts";

test.each<[string | undefined, boolean, number | null]>([
  [undefined, false, null],
  ["", false, null],
  ["respond-async", true, null],
  ["wait=10", false, 10],
  ["respond-async, wait=10", true, 10],
  ["Wait = 5 ; foo=bar, RESPOND-ASYNC", true, 5],
  ['wait="7"', false, 7],
  ['handling=lenient, return="minimal, wait=99"; a="b;c", wait=3', false, 3],
  ["wait=1, wait=2", false, 1],
  ["wait=never, wait=2", false, null],
  ["wait=-1", false, null],
  ["wait=1.5", false, null],
  ["wait", false, null],
  ["wait=1 2", false, null],
  [",, ;;=, wait=4", false, 4],
  ['unfinished="quote, wait=4', false, null],
  ["wait=0", false, 0],
])("%s", (header, respondAsync, waitS) => {
  expect(parsePrefer(header)).toEqual({ respondAsync, waitS });
});

test("a wait is capped", () => {
  expect(waitSeconds(parsePrefer("wait=3600"))).toBe(MAX_WAIT_S);
  expect(waitSeconds(parsePrefer("wait=99999999999999999999"))).toBe(MAX_WAIT_S);
  expect(waitSeconds(parsePrefer(undefined))).toBe(0);
});
