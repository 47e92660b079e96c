import { describe, expect, test } from "@jest/globals";
import { planReceivers, wantsEvent } from "../../src/core/receivers.ts";
import type { Subscriber } from "../../src/core/receivers.ts";

function subscriber(id: string, events: string[]): Subscriber {
  const url = `https://${id}.test/`;
  const rest = { description: "", audience: "account", disabled: false } as const;
  return { id, laneId: `lane-${id}`, url, events, ...rest };
}

function endpointIds(...args: Parameters<typeof planReceivers>): string[] {
  return planReceivers(...args).flatMap((r) => (r.kind === "endpoint" ? [r.endpointId] : []));
}

describe("filters", () => {
  test.each([
    [[], "job.completed", true],
    [[], "invoice.paid", true],
    // one endpoint would get it by the thousand
    [[], "job.progress", false],
    [["job.progress"], "job.progress", true],
    [["job.completed"], "job.progress", false],
    [["job.completed"], "job.completed", true],
    [["job.failed", "job.completed"], "job.completed", true],
    [["job.failed"], "job.completed", false],
    [["job"], "job.completed", false],
    [["job.complete"], "job.completed", false],
    [["JOB.COMPLETED"], "job.completed", false],
  ])("%j wants %s: %s", (events, type, wanted) => {
    expect(wantsEvent(events, type)).toBe(wanted);
  });
});

describe("who receives a message", () => {
  test("every endpoint that wants its type, and no other", () => {
    const subscribers = [
      subscriber("all", []),
      subscriber("ended", ["job.completed", "job.failed"]),
      subscriber("failed", ["job.failed"]),
      subscriber("own", ["invoice.paid"]),
    ];
    expect(endpointIds("job.completed", [], subscribers)).toEqual(["all", "ended"]);
    expect(endpointIds("job.failed", [], subscribers)).toEqual(["all", "ended", "failed"]);
    expect(endpointIds("invoice.paid", [], subscribers)).toEqual(["all", "own"]);
    expect(endpointIds("job.started", [], [])).toEqual([]);
  });

  test.each([
    // the callback's filter, the endpoint's, the event, received
    [["job.failed"], ["job.completed"], "job.completed", false],
    [["job.failed"], ["job.completed"], "job.failed", true],
    [["job.failed"], [], "job.completed", false],
    [[], ["job.failed"], "job.started", true],
    [["job.completed"], ["job.completed"], "job.completed", true],
  ])("callback %j in place of the endpoint's %j: %s → %s", (own, before, type, received) => {
    const callbacks = [{ endpoint_id: "e", events: own }];
    const ids = endpointIds(type, callbacks, [subscriber("e", before), subscriber("other", [])]);
    expect(ids).toEqual(received ? ["e", "other"] : ["other"]);
  });

  test("a callback that names no event keeps progress from an endpoint that wants it", () => {
    const subscribers = [subscriber("e", ["job.progress"]), subscriber("other", ["job.progress"])];
    const callbacks = [{ endpoint_id: "e", events: [] }];
    expect(endpointIds("job.progress", callbacks, subscribers)).toEqual(["other"]);
    expect(endpointIds("job.progress", [], subscribers)).toEqual(["e", "other"]);
  });

  test("an endpoint named twice gets it once, when either callback wants it", () => {
    const callbacks = [
      { endpoint_id: "e", events: ["job.failed"] },
      { endpoint_id: "e", events: ["job.completed"] },
      { endpoint_id: "e", events: ["job.completed"] },
      { endpoint_id: "e", events: ["job.canceled"] },
    ];
    const subscribers = [subscriber("e", ["job.started"])];
    expect(endpointIds("job.completed", callbacks, subscribers)).toEqual(["e"]);
    expect(endpointIds("job.canceled", callbacks, subscribers)).toEqual(["e"]);
    expect(endpointIds("job.started", callbacks, subscribers)).toEqual([]);
  });

  test("an endpoint that is gone gets nothing, though a callback names it", () => {
    const callbacks = [{ endpoint_id: "gone", events: [] }];
    expect(planReceivers("job.completed", callbacks, [])).toEqual([]);
  });

  test("URLs, each with its origin, order and what it sets itself", () => {
    const retry = { max_attempts: 3 };
    const receivers = planReceivers(
      "job.completed",
      [
        { url: "https://a.test/hook?x=1", events: ["job.completed"] },
        { url: "https://A.test:443/other", events: [], ordered: true },
        {
          url: "http://a.test:8080/",
          events: [],
          sealed_headers: "box-1",
          sealed_secret: "box-2",
          retry,
          timeout_s: 3,
          signatures: ["v1"],
        },
        { url: "https://b.test/", events: ["job.failed"] },
      ],
      [],
    );
    expect(receivers).toEqual([
      {
        kind: "url",
        url: "https://a.test/hook?x=1",
        origin: "https://a.test",
        ordered: false,
        overrides: null,
      },
      {
        kind: "url",
        url: "https://A.test:443/other",
        origin: "https://a.test",
        ordered: true,
        overrides: null,
      },
      {
        kind: "url",
        url: "http://a.test:8080/",
        origin: "http://a.test:8080",
        ordered: false,
        overrides: {
          sealed_headers: "box-1",
          sealed_secret: "box-2",
          retry,
          timeout_s: 3,
          signatures: ["v1"],
        },
      },
    ]);
  });

  test("the same URL given twice is two receivers", () => {
    const callback = { url: "https://a.test/", events: [] };
    expect(planReceivers("job.completed", [callback, callback], [])).toHaveLength(2);
  });
});
