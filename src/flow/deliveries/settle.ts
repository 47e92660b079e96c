import type { Context, SettlementGroup } from "../context.ts";
import { settleDeliveries } from "../../db/deliveries/settlements.ts";
import { singleStatement } from "../../db/transaction.ts";
import { createGroupCommit } from "../group-commit.ts";

const GROUP = 500;

/**
 * The settlement, for all waiting attempts of all lanes: attempt rows + delivered / next attempt /
 * dead letter, in one statement.
 */
export function createSettlementGroup({ pool }: Pick<Context, "pool">): SettlementGroup {
  return createGroupCommit(async (group) => {
    const settled = await settleDeliveries(singleStatement(pool), group);
    return group.map(({ deliveryId }) => settled.has(deliveryId));
  }, GROUP);
}
