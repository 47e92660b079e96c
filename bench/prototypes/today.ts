import { readDue } from "../../src/db/deliveries/due.ts";
import { insertMessages } from "../../src/db/deliveries/messages.ts";
import { settleDeliveries } from "../../src/db/deliveries/settlements.ts";
import { withText } from "./beside.ts";
import type { DeliveryVariant } from "./lives.ts";
import { KEPT_ATTEMPTS, KEPT_DEAD, KEPT_ID, KEPT_MESSAGES, KEPT_TIME } from "./kept.ts";

const COLUMNS = `d.id, d.account_id, d.message_id, d.job_id, d.event_type, d.endpoint_id,
  coalesce(e.url, d.url) as url, d.status, d.attempt_count, d.next_attempt_at, d.created_at,
  d.finished_at, l.reason as dead_reason, l.detail as dead_detail, l.discarded_at,
  d.last_status_code, d.last_error_code`;
const SOURCES = `deliveries d left join endpoints e on e.id = d.endpoint_id
  left join dead_letters l on l.delivery_id = d.id`;
const NEWEST = "order by d.id desc limit 50";
const OF_ACCOUNT = `select ${COLUMNS} from ${SOURCES} where d.account_id = $1`;

/** The real tables and statements. */
export const TODAY: DeliveryVariant = {
  name: "a",
  schema: "",
  derived: false,
  tables: ["messages", "deliveries", "attempts"],
  make: insertMessages,
  async read(tx, laneId, rows) {
    const [due] = await readDue(tx, [{ laneId, except: [], rows, bytes: 1e9 }]);
    return due!;
  },
  async settle(tx, settlements) {
    return (await settleDeliveries(tx, settlements)).size;
  },
  lists: {
    account: `${OF_ACCOUNT} ${NEWEST}`,
    endpoint: `${OF_ACCOUNT} and d.endpoint_id = $2 ${NEWEST}`,
    pending: `${OF_ACCOUNT} and d.status = 'pending' ${NEWEST}`,
    delivered: `${OF_ACCOUNT} and d.status = 'delivered' ${NEWEST}`,
    dead: `${OF_ACCOUNT} and d.status = 'dead' ${NEWEST}`,
    "5xx": `${OF_ACCOUNT} and d.last_error_code is null and d.last_status_code >= 500
      and d.last_status_code < 600 ${NEWEST}`,
    message: `${OF_ACCOUNT} and d.message_id = $3 ${NEWEST}`,
    books: "select * from books where message_id = $3",
  },
  fill: [
    KEPT_MESSAGES,
    `insert into deliveries (id, account_id, message_id, event_type, endpoint_id, lane_id, url,
       body_bytes, created_at, status, attempt_count, last_status_code, finished_at)
     select ${KEPT_ID(1)}, $1, ${KEPT_ID(0)}, 'job.completed', ($2::uuid[])[1 + g % 50],
       ($3::uuid[])[1 + g % 50], 'http://127.0.0.1/lane', 100, ${KEPT_TIME},
       case when g % 100 = 0 then 'dead' else 'delivered' end, 1,
       case when g % 100 = 0 then 500 else 200 end, ${KEPT_TIME} from rows`,
    KEPT_ATTEMPTS(false),
    KEPT_DEAD,
  ],
};

/** A variant whose statements are today's with another text. */
export function reworded(
  name: string,
  schema: string,
  change: (text: string) => string,
): DeliveryVariant {
  return {
    ...TODAY,
    name,
    schema,
    make: async (tx, ...rest) => await TODAY.make(withText(tx, change), ...rest),
    read: async (tx, ...rest) => await TODAY.read(withText(tx, change), ...rest),
    settle: async (tx, ...rest) => await TODAY.settle(withText(tx, change), ...rest),
  };
}
