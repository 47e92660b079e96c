import { messageBody } from "./events.ts";

/** What Ringback tells those who operate an account: webhooks to endpoints of `audience: operator`. */
export const OPERATIONAL_EVENTS = [
  "endpoint.failing",
  "endpoint.disabled",
  "endpoint.recovered",
  "delivery.dead",
  "job.dead",
  "lane.opened",
  "lane.closed",
  "backlog.late",
  "replay.finished",
  "worker.lost",
  "secret.expiring",
] as const;
export type OperationalEventType = (typeof OPERATIONAL_EVENTS)[number];

/** `account`: the account's events. `operator`: the operational events, and nothing else. */
export const AUDIENCES = ["account", "operator"] as const;
export type EndpointAudience = (typeof AUDIENCES)[number];

/** The body of an operational event: `standard` as any webhook, or as an incoming webhook of a chat takes it. */
export const OPERATIONAL_FORMATS = ["standard", "slack", "teams", "discord"] as const;
export type OperationalFormat = (typeof OPERATIONAL_FORMATS)[number];

/** Seconds for which further events of the same type about the same subject are gathered. */
export const NOTICE_WINDOW_S = 300;

/** What happened to one subject since it was told of last. */
export interface OperationalEvent {
  type: OperationalEventType;
  /** What it is about, for people: an endpoint's description or URL, a job type, a worker. */
  subject: string;
  endpoint: { id: string; description: string; url: string } | null;
  count: number;
  firstAt: Date;
  lastAt: Date;
  /** Of the newest: reason, error, an example to look at. */
  detail: Readonly<Record<string, unknown>>;
  /** A page of the console. */
  link: string;
}

const SENTENCES: Record<OperationalEventType, (subject: string, count: number) => string> = {
  "endpoint.failing": (subject) => `${subject} is failing`,
  "endpoint.disabled": (subject) => `${subject} was disabled`,
  "endpoint.recovered": (subject) => `${subject} has recovered`,
  "delivery.dead": (subject, n) =>
    n === 1 ? `A delivery to ${subject} is dead` : `${n} deliveries to ${subject} are dead`,
  "job.dead": (subject, n) =>
    n === 1 ? `A job of type ${subject} failed` : `${n} jobs of type ${subject} failed`,
  "lane.opened": (subject) => `Deliveries to ${subject} are held back: its breaker opened`,
  "lane.closed": (subject) => `Deliveries to ${subject} go on: its breaker closed`,
  "backlog.late": (subject) => `Work is late: ${subject}`,
  "replay.finished": (subject) => `Replay ${subject} has finished`,
  "worker.lost": (subject) => `Worker ${subject} was lost; others took over its work`,
  "secret.expiring": (subject) => `${subject} expires soon`,
};

/** One sentence for people: what happened, how often, why. */
function sentenceOf({ type, subject, count, detail }: OperationalEvent): string {
  const why = detail["reason"] ?? detail["error"] ?? detail["status"];
  return `${SENTENCES[type](subject, count)}${typeof why === "string" ? ` (${why})` : ""}`;
}

/** The exact text of an operational webhook. */
export function operationalBody(
  format: OperationalFormat,
  event: OperationalEvent,
  at: Date,
): string {
  if (format !== "standard") return chatBody(format, sentenceOf(event), event.link);
  return messageBody(
    event.type,
    at,
    JSON.stringify({
      subject: event.subject,
      ...(event.endpoint === null ? {} : { endpoint: event.endpoint }),
      count: event.count,
      first_at: event.firstAt.toISOString(),
      last_at: event.lastAt.toISOString(),
      message: sentenceOf(event),
      detail: event.detail,
      console_url: event.link,
    }),
  );
}

/** A text as incoming webhooks of chats take it. */
export function chatBody(
  format: Exclude<OperationalFormat, "standard">,
  text: string,
  link: string | null,
): string {
  switch (format) {
    case "slack":
      return JSON.stringify({
        text: `${slackText(text)}${link === null ? "" : `\n<${link}|Open in the console>`}`,
      });
    case "discord":
      return JSON.stringify({
        content: `${text}${link === null ? "" : `\n${link}`}`.slice(0, 2_000),
        // a subject may have the form of a mention
        allowed_mentions: { parse: [] },
      });
    case "teams":
      return JSON.stringify({
        type: "message",
        attachments: [
          {
            contentType: "application/vnd.microsoft.card.adaptive",
            content: {
              $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
              type: "AdaptiveCard",
              version: "1.4",
              body: [{ type: "TextBlock", text, wrap: true }],
              actions:
                link === null
                  ? []
                  : [{ type: "Action.OpenUrl", title: "Open in the console", url: link }],
            },
          },
        ],
      });
  }
}

/** Slack reads `&`, `<` and `>` as control characters. */
function slackText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
