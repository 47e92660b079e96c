import { parseTraceparent } from "../../src/core/trace.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

test.each([
  [`00-${TRACE}-${PARENT}-01`, "version 00"],
  [`00-${TRACE}-${PARENT}-00`, "not sampled"],
  [`00-${TRACE}-${PARENT}-ff`, "flags of the future"],
  [`cc-${TRACE}-${PARENT}-01`, "a later version"],
  [`cc-${TRACE}-${PARENT}-01-what-the-future-will-be-like`, "a later version with more fields"],
])("%s is taken (%s)", (header) => {
  expect(parseTraceparent(header)).toBe(TRACE);
});

test.each([
  undefined,
  "",
  "nonsense",
  `ff-${TRACE}-${PARENT}-01`,
  `00-${TRACE}-${PARENT}-01-more`,
  `00-${TRACE}-${PARENT}-01.`,
  `cc-${TRACE}-${PARENT}-01.what`,
  `00-${"0".repeat(32)}-${PARENT}-01`,
  `00-${TRACE}-${"0".repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${PARENT}-01`,
  `00-${TRACE.slice(1)}-${PARENT}-01`,
  `00-${TRACE}-${PARENT}-1`,
  `0-${TRACE}-${PARENT}-01`,
  `00-${TRACE}-${PARENT}`,
  `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`,
])("%s starts a new trace", (header) => {
  expect(parseTraceparent(header)).toBeNull();
});
