import { Button, Select, Tabs } from "@mantine/core";
import { IconRefreshAlert, IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { useEndpoints, useTestEndpoint } from "../api/endpoints.ts";
import type { ReplayOrder } from "../api/replays.ts";
import type { Endpoint } from "../api/types.ts";
import { notifyError } from "../components/notify.ts";
import { Page } from "../components/page.tsx";
import { ReplayDialog } from "../components/replay-dialog.tsx";
import { SecretCard } from "../components/secret-card.tsx";
import { Empty, ErrorBox, Loading } from "../components/states.tsx";
import { Status } from "../components/status.tsx";
import { useView } from "../components/use-view.ts";
import { TestResult } from "../pages/endpoints/test-result.tsx";
import { Deliveries } from "./deliveries.tsx";
import { EventChoice } from "./event-choice.tsx";
import { useCan } from "./session.ts";

/** An endpoint of the partner, the first one unless another is chosen. */
export function EndpointPage() {
  const { values, set } = useView(["endpoint"]);
  const endpoints = useEndpoints({ limit: 50 });
  if (endpoints.data === undefined) {
    return (
      <Page title="Webhooks">
        {endpoints.error === null ? (
          <Loading />
        ) : (
          <ErrorBox error={endpoints.error} retry={() => void endpoints.refetch()} />
        )}
      </Page>
    );
  }
  const all = endpoints.data.data;
  const chosen = all.find(({ id }) => id === values.endpoint) ?? all[0];
  if (chosen === undefined) {
    return (
      <Page title="Webhooks">
        <Empty title="There is no endpoint any more">Whoever gave you the link removed it.</Empty>
      </Page>
    );
  }
  return (
    <>
      {all.length > 1 && (
        <Select
          label="Endpoint"
          maw={420}
          mb="md"
          data={all.map((one) => ({ value: one.id, label: nameOf(one) }))}
          value={chosen.id}
          allowDeselect={false}
          onChange={(endpoint) => set({ endpoint })}
        />
      )}
      <OneEndpoint key={chosen.id} endpoint={chosen} />
    </>
  );
}

function nameOf({ description, url }: Endpoint): string {
  return description || url;
}

function OneEndpoint({ endpoint }: { endpoint: Endpoint }) {
  const { values, set } = useView(["tab", "test"]);
  const canChoose = useCan("events");
  const canSecret = useCan("secret");
  const tabs = [
    { value: "deliveries", label: "Deliveries" },
    ...(canChoose ? [{ value: "events", label: "Events" }] : []),
    ...(canSecret ? [{ value: "secret", label: "Secret" }] : []),
  ];
  return (
    <Page
      title={nameOf(endpoint)}
      badge={<Status value={endpoint.status} />}
      description={<span className="rb-mono">{endpoint.url}</span>}
      actions={<Actions endpoint={endpoint} onTest={(test) => set({ test })} />}
    >
      {values.test && <TestResult id={values.test} onClose={() => set({ test: null })} />}
      <Tabs
        value={values.tab ?? "deliveries"}
        onChange={(tab) => set({ tab: tab === "deliveries" ? null : tab })}
        keepMounted={false}
      >
        {tabs.length > 1 && (
          <Tabs.List mb="md">
            {tabs.map(({ value, label }) => (
              <Tabs.Tab key={value} value={value}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
        )}
        <Tabs.Panel value="deliveries">
          <Deliveries endpointId={endpoint.id} />
        </Tabs.Panel>
        {canChoose && (
          <Tabs.Panel value="events">
            <EventChoice endpoint={endpoint} />
          </Tabs.Panel>
        )}
        {canSecret && (
          <Tabs.Panel value="secret">
            <SecretCard endpointId={endpoint.id}>
              Signs every webhook to this endpoint (HMAC-SHA256, <code>v1</code>).
            </SecretCard>
          </Tabs.Panel>
        )}
      </Tabs>
    </Page>
  );
}

interface ActionsProps {
  endpoint: Endpoint;
  onTest: (deliveryId: string) => void;
}

function Actions({ endpoint: { id }, onTest }: ActionsProps) {
  const test = useTestEndpoint(id);
  const [order, setOrder] = useState<ReplayOrder | null>(null);
  return (
    <>
      {useCan("test") && (
        <Button
          variant="default"
          leftSection={<IconSend size={14} />}
          loading={test.isPending}
          onClick={() =>
            test.mutate(undefined, { onSuccess: (made) => onTest(made.id), onError: notifyError })
          }
        >
          Send a test event
        </Button>
      )}
      {useCan("replay") && (
        <Button
          leftSection={<IconRefreshAlert size={14} />}
          onClick={() =>
            setOrder({ action: "replay", filter: { endpoint_id: id, status: "dead" } })
          }
        >
          Send again what failed…
        </Button>
      )}
      <ReplayDialog order={order} onClose={() => setOrder(null)} />
    </>
  );
}
