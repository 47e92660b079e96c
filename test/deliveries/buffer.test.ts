import { expect, test } from "@jest/globals";
import type { DueDelivery } from "../../src/db/deliveries/due.ts";
import { DeliveryBuffer } from "../../src/flow/deliveries/lane/buffer.ts";

function due(id: string, manual = false): DueDelivery {
  return { id, manual, body_bytes: 1 } as DueDelivery;
}

test("what is looked at is what is taken, new or replayed", () => {
  const buffer = new DeliveryBuffer({ bytes: 0, sends: 0, isBusy: () => false }, 10);
  const replayed = ["r1", "r2", "r3"].map((id) => due(id, true));
  buffer.addRead([...replayed, ...["n1", "n2", "n3", "n4"].map((id) => due(id))], false);
  const taken: string[] = [];
  while (buffer.waiting > 0) {
    const { first } = buffer;
    expect(buffer.shift()).toBe(first);
    taken.push(first.id);
  }
  expect(taken).toEqual(["n1", "n2", "n3", "r1", "n4", "r2", "r3"]);
});
