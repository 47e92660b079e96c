import { Alert, Anchor, Button, Group, Stack, Tabs, Text } from "@mantine/core";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { DISABLED_WORDS } from "../../../core/endpoint.ts";
import { useEndpoint, useUpdateEndpoint } from "../../api/endpoints.ts";
import type { ReplayOrder } from "../../api/replays.ts";
import type { Endpoint } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { RangePicker, StatsCharts, toRange } from "../../components/charts/stats-charts.tsx";
import { Facts, type Fact } from "../../components/facts.tsx";
import { duration, number } from "../../components/format.ts";
import { Id } from "../../components/id.tsx";
import { None } from "../../components/none.tsx";
import { notifyDone } from "../../components/notify.ts";
import { Page } from "../../components/page.tsx";
import { ReplayDialog } from "../../components/replay-dialog.tsx";
import { SecretCard } from "../../components/secret-card.tsx";
import { ErrorBox, Loading } from "../../components/states.tsx";
import { Status } from "../../components/status.tsx";
import { Time } from "../../components/time.tsx";
import { useView } from "../../components/use-view.ts";
import { EndpointActions } from "./endpoint-actions.tsx";
import { EndpointDeliveries } from "./endpoint-deliveries.tsx";
import { EndpointForm } from "./endpoint-form.tsx";
import { TestResult } from "./test-result.tsx";

const BACK = { to: "/endpoints", label: "Endpoints" };
const TABS = [
  { value: "health", label: "Health" },
  { value: "deliveries", label: "Deliveries" },
  { value: "settings", label: "Settings" },
  { value: "secret", label: "Secret" },
];

export default function EndpointPage() {
  const { id = "" } = useParams();
  const view = useView(["tab", "range", "test"]);
  const { data: endpoint, error, refetch } = useEndpoint(id);
  if (endpoint === undefined) {
    return (
      <Page title="Endpoint" back={BACK}>
        {error === null ? <Loading /> : <ErrorBox error={error} retry={() => void refetch()} />}
      </Page>
    );
  }
  const { tab = "health", test } = view.values;
  return (
    <Page
      title={endpoint.description || endpoint.url}
      badge={<Status value={endpoint.status} />}
      description={<Id id={endpoint.id} link={false} />}
      back={BACK}
      actions={
        <EndpointActions
          endpoint={endpoint}
          onTest={(deliveryId) => view.set({ test: deliveryId })}
        />
      }
    >
      <StatusNotice endpoint={endpoint} />
      <SkippedNotice endpoint={endpoint} />
      {test && <TestResult id={test} onClose={() => view.set({ test: null })} />}
      <Tabs
        value={tab}
        onChange={(next) => view.set({ tab: next === "health" ? null : next })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {TABS.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="health">
          <Health
            endpoint={endpoint}
            range={view.values.range}
            onRange={(range) => view.set({ range })}
          />
        </Tabs.Panel>
        <Tabs.Panel value="deliveries">
          <EndpointDeliveries id={id} />
        </Tabs.Panel>
        <Tabs.Panel value="settings">
          <Edit endpoint={endpoint} />
        </Tabs.Panel>
        <Tabs.Panel value="secret">
          <SecretCard endpointId={id}>
            Signs every webhook to this endpoint (HMAC-SHA256, <code>v1</code>).
          </SecretCard>
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

type Shown = Exclude<Endpoint["status"], "healthy">;

const NOTICES: Record<Shown, { title: string; color: string; text: string }> = {
  failing: {
    title: "Failing",
    color: "red",
    text: "Attempts failed one after the other, so the breaker holds everything back and no attempt is used up. Deliveries wait; the first that succeeds lets them all go.",
  },
  paused: {
    title: "Paused",
    color: "yellow",
    text: "Deliveries are made and wait; nothing is lost. Resume to send them.",
  },
  disabled: {
    title: "Disabled",
    color: "red",
    text: "Nothing is made for it, but what it misses is counted. Enable it, then recover what failed and send what it missed.",
  },
};

function StatusNotice({ endpoint }: { endpoint: Endpoint }) {
  const { status, breaker, disabled_reason, health } = endpoint;
  if (status === "healthy") return null;
  const notice = NOTICES[status];
  const failing = status === "failing";
  const reason = disabled_reason === null ? null : DISABLED_WORDS[disabled_reason];
  const why = failing ? `${breaker.reason ?? "failures"}, ${breaker.failures} in a row` : reason;
  return (
    <Alert variant="outline" color={notice.color} title={notice.title}>
      <Text size="sm" component="div">
        {notice.text} {why !== null && `Why: ${why}. `}
        Since <Time at={health.since ?? endpoint.state_since} />.{" "}
        {breaker.state === "open" && (
          <>
            Next probe <Time at={breaker.until} />.{" "}
          </>
        )}
        {failing && breaker.state !== "open" && "The next attempt is a probe. "}
        {health.disable_at !== null && (
          <>
            Unless one succeeds, it is disabled <Time at={health.disable_at} />.{" "}
          </>
        )}
        {status !== "disabled" && (
          <Anchor
            component={Link}
            to={`/deliveries?status=held&endpoint_id=${endpoint.id}`}
            size="sm"
          >
            What waits
          </Anchor>
        )}
      </Text>
    </Alert>
  );
}

/** What it did not get while it was disabled, and the way to send it. */
function SkippedNotice({ endpoint: { id, state, skipped } }: { endpoint: Endpoint }) {
  const [order, setOrder] = useState<ReplayOrder | null>(null);
  if (skipped.since === null && order === null) return null;
  return (
    <Alert variant="outline" color="yellow" title={`${number(skipped.count)} skipped`}>
      <Group justify="space-between" gap="sm">
        <Text size="sm" component="div">
          Messages it did not get as it was disabled
          {skipped.since !== null && (
            <>
              , since <Time at={skipped.since} />
            </>
          )}
          .{state === "disabled" && " They can be sent once it is enabled."}
        </Text>
        {state !== "disabled" && (
          <Button
            variant="default"
            onClick={() =>
              setOrder({ action: "send_missed", filter: { status: "dead", endpoint_id: id } })
            }
          >
            Send what was missed…
          </Button>
        )}
      </Group>
      <ReplayDialog order={order} onClose={() => setOrder(null)} />
    </Alert>
  );
}

function healthFacts({ status, health }: Endpoint): Fact[] {
  const { since, failures_in_row, last_success_at, last_failure, disable_at } = health;
  return [
    {
      name: "Status",
      value: (
        <>
          <Status value={status} />
          {since !== null && (
            <>
              {" "}
              since <Time at={since} />
            </>
          )}
        </>
      ),
    },
    { name: "Failures in a row", value: number(failures_in_row) },
    {
      name: "Last success",
      value: last_success_at === null ? <None /> : <Time at={last_success_at} />,
    },
    {
      name: "Last failure",
      value:
        last_failure === null ? (
          <None />
        ) : (
          <>
            {last_failure.error_code ?? `HTTP ${last_failure.status_code}`}{" "}
            <Time at={last_failure.at} />
          </>
        ),
    },
    ...(disable_at === null ? [] : [{ name: "Will be disabled", value: <Time at={disable_at} /> }]),
  ];
}

interface HealthProps {
  endpoint: Endpoint;
  range: string | undefined;
  onRange: (range: string) => void;
}

function Health({ endpoint, range, onRange }: HealthProps) {
  const { events, ordered, max_in_flight, rate_limit_per_s, retry, signatures } = endpoint;
  return (
    <Stack gap="md">
      <Card>
        <Facts
          facts={[
            { name: "URL", value: <span className="rb-mono">{endpoint.url}</span>, wide: true },
            ...healthFacts(endpoint),
            { name: "Events", value: events.length === 0 ? "all" : events.join(", ") },
            { name: "Order", value: ordered ? "one at a time" : `${max_in_flight} at once` },
            {
              name: "Rate limit",
              value: rate_limit_per_s === null ? "none" : `${rate_limit_per_s} per second`,
            },
            { name: "Attempts", value: retry.max_attempts },
            { name: "Gives up after", value: duration(endpoint.give_up_after_s * 1_000) },
            { name: "Signatures", value: signatures.join(" and ") },
            { name: "Created", value: <Time at={endpoint.created_at} /> },
          ]}
        />
      </Card>
      <div>
        <RangePicker value={toRange(range)} onChange={onRange} />
      </div>
      <StatsCharts range={toRange(range)} endpointId={endpoint.id} />
    </Stack>
  );
}

function Edit({ endpoint }: { endpoint: Endpoint }) {
  const update = useUpdateEndpoint(endpoint.id);
  const navigate = useNavigate();
  return (
    <EndpointForm
      endpoint={endpoint}
      action="Save"
      busy={update.isPending}
      error={update.error}
      onSubmit={(changes) =>
        update.mutate(changes, {
          onSuccess() {
            notifyDone("Saved; it holds from the next attempt on");
            void navigate({ search: "" });
          },
        })
      }
    />
  );
}
