import type { Command } from "commander";
import { EXCHANGE_ERROR_CODES } from "../../core/exchange.ts";
import { DELIVERY_STATUSES, STATUS_CLASSES } from "../../core/model.ts";
import type { QueryOf } from "../../client/caller.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import {
  attemptColumns,
  deliveryColumns,
  showDelivery,
  showExchange,
} from "../api/delivery-view.ts";
import { collectList, oneOrMore, wholeNumber } from "../api/input.ts";
import { rangeOf, showList, withPaging, withRange } from "../api/list.ts";
import type { ListOptions, RangeOptions } from "../api/list.ts";
import { queryOf } from "../api/query.ts";
import { filterOf, withOrder } from "./replays.ts";
import type { OrderOptions } from "./replays.ts";
import { runReplay } from "../api/run-replay.ts";

const FILTERS = [
  ...["status", "notStatus", "endpointId", "jobId", "messageId", "eventType", "notEventType"],
  ...["statusClass", "errorCode", "minAttempts"],
];

/** `ringback deliveries …` */
export function addDeliveries(cli: Cli, program: Command): void {
  const deliveries = program.command("deliveries").description("webhooks and their attempts");
  const list = withRange(
    withPaging(
      deliveries
        .command("list")
        .description("list deliveries, newest first")
        .addOption(
          oneOrMore(
            "--status <list>",
            "with one of these; held, alone: pending, and held back by a pause or an open breaker",
            [...DELIVERY_STATUSES, "held"],
          ),
        )
        .addOption(oneOrMore("--not-status <list>", "with none of these", DELIVERY_STATUSES))
        .option("--endpoint-id <list>", "for these endpoints", collectList)
        .option("--job-id <id>", "of this job")
        .option("--message-id <id>", "of this message")
        .option("--event-type <list>", "of these events", collectList)
        .option("--not-event-type <list>", "of other events than these", collectList)
        .addOption(oneOrMore("--status-class <list>", "of the last attempt", STATUS_CLASSES))
        .addOption(oneOrMore("--error-code <list>", "of the last attempt", EXCHANGE_ERROR_CODES))
        .option("--min-attempts <n>", "with so many attempts or more", wholeNumber),
    ),
  );
  onApi(cli, list, async (session, options: ListOptions & RangeOptions) => {
    const filter = { ...queryOf(options, FILTERS), ...rangeOf(options) };
    await showList(
      session,
      options,
      (page) => {
        const query = { ...filter, ...page } as QueryOf<"GET /v1/deliveries">;
        return session.client.request("GET /v1/deliveries", { query });
      },
      deliveryColumns,
    );
  });
  examples(
    list,
    "deliveries list --status held",
    "deliveries list --status pending,dead --not-event-type job.progress",
    "deliveries list --status-class 5xx --min-attempts 3 --since 2h",
    "deliveries list --job-id job_01… --json",
  );

  const show = deliveries
    .command("show <id>")
    .description("look at a delivery and its last attempts")
    .option("--full", "with the headers and answers of the attempts shown");
  onApi(cli, show, async (session, id: string, { full }: { full?: boolean }) => {
    const delivery = await session.client.deliveries.get(id);
    session.out.answer(delivery, () => {
      showDelivery(session, delivery);
      if (full === true) for (const attempt of delivery.attempts) showExchange(session, attempt);
    });
  });
  examples(show, "deliveries show dlv_01…", "deliveries show dlv_01… --full");
  const attempts = withPaging(
    deliveries
      .command("attempts <id>")
      .description("list a delivery's attempts, the last first; --json has all of each"),
  );
  onApi(cli, attempts, async (session, id: string, options: ListOptions) => {
    await showList(
      session,
      options,
      (query) => session.client.request("GET /v1/deliveries/{id}/attempts", { id, query }),
      attemptColumns,
    );
  });
  examples(attempts, "deliveries attempts dlv_01… --limit 200");
  const replay = deliveries
    .command("replay <id>")
    .description("send one again now; many: see ringback replay --help");
  onApi(cli, replay, async (session, id: string) => {
    const delivery = await session.client.deliveries.replay(id);
    session.out.answer(delivery, () => showDelivery(session, delivery));
  });
  examples(replay, "deliveries replay dlv_01…");
  const cancel = withOrder(
    deliveries
      .command("cancel [ids...]")
      .description("don't send what is pending; Ctrl-C stops it where it is"),
  );
  onApi(cli, cancel, async (session, ids: string[], options: OrderOptions) => {
    const filter = filterOf(ids, options);
    await runReplay(session, { ...options, action: "cancel", filter });
  });
  examples(
    cancel,
    "deliveries cancel dlv_01…",
    "deliveries cancel --filter endpoint_id=ep_01… until=1h --dry-run",
  );
}
