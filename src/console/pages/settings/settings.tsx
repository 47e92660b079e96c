import { Code, Stack, Tabs, Text } from "@mantine/core";
import { useSearchParams } from "react-router";
import { useWorkers } from "../../api/overview.ts";
import { useMay } from "../../api/session.ts";
import { useSettings } from "../../api/settings.ts";
import { Card } from "../../components/card.tsx";
import { Facts } from "../../components/facts.tsx";
import { Page } from "../../components/page.tsx";
import { SecretCard } from "../../components/secret-card.tsx";
import { SigningKeysCard } from "../../components/signing-keys-card.tsx";
import { Empty, ErrorBox, Loading } from "../../components/states.tsx";
import { useView } from "../../components/use-view.ts";
import { WorkersTable } from "../../components/workers-table.tsx";
import { Accounts } from "./accounts.tsx";
import { AuditLog } from "./audit-log.tsx";
import { ApiKeys } from "./api-keys.tsx";

export default function Settings() {
  const { values } = useView(["tab", "origin"]);
  const [, setParams] = useSearchParams();
  const mayAdmin = useMay("admin:read");
  const mayOperate = useMay("operator");
  const { tab = mayAdmin ? "keys" : "signing", origin } = values;
  return (
    <Page title="Settings">
      <Tabs
        value={tab}
        onChange={(next) => setParams(next === null ? {} : { tab: next })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {mayAdmin && <Tabs.Tab value="keys">API keys</Tabs.Tab>}
          <Tabs.Tab value="signing">Signing</Tabs.Tab>
          {mayAdmin && <Tabs.Tab value="audit">Audit log</Tabs.Tab>}
          {mayOperate && <Tabs.Tab value="accounts">Accounts</Tabs.Tab>}
          {mayOperate && <Tabs.Tab value="system">System</Tabs.Tab>}
          {mayOperate && <Tabs.Tab value="workers">Workers</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="keys">
          <ApiKeys />
        </Tabs.Panel>
        <Tabs.Panel value="signing">
          <Signing origin={origin} />
        </Tabs.Panel>
        <Tabs.Panel value="audit">
          <AuditLog />
        </Tabs.Panel>
        <Tabs.Panel value="accounts">
          <Accounts />
        </Tabs.Panel>
        <Tabs.Panel value="system">
          <System />
        </Tabs.Panel>
        <Tabs.Panel value="workers">
          <Workers />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Signing({ origin }: { origin: string | undefined }) {
  return (
    <Stack gap="md">
      <SigningKeysCard />
      <SecretCard key={origin} endpointId={null} origin={origin}>
        Sign webhooks to callback URLs given with a job (HMAC-SHA256, <Code>v1</Code>): each origin
        has one, so that a receiver can't forge calls to another. Endpoints have secrets of their
        own.
      </SecretCard>
    </Stack>
  );
}

function System() {
  const { data, error, isPending, refetch } = useSettings();
  if (isPending) return <Loading rows={4} />;
  if (error !== null) return <ErrorBox error={error} retry={() => void refetch()} />;
  const { retention, targets } = data;
  return (
    <Stack gap="md">
      <Card title="Retention">
        <Facts
          facts={[
            { name: "Jobs, after they ended", value: days(retention.jobs_days) },
            { name: "Deliveries and attempts", value: days(retention.deliveries_days) },
            { name: "Dead letters", value: days(retention.dead_letters_days) },
            { name: "Audit log", value: days(retention.audit_days) },
            { name: "Idempotency keys", value: `${data.idempotency_hours} hours` },
          ]}
        />
      </Card>
      <Card title="This server">
        <Facts
          facts={[
            { name: "Version", value: data.version },
            { name: "Public URL", value: <span className="rb-mono">{data.public_url}</span> },
            { name: "Roles of this process", value: data.roles.join(", ") },
            {
              name: "Receivers besides public https",
              value: targets.allow.length === 0 ? "none" : targets.allow.join(", "),
            },
            { name: "Mode", value: data.development ? "development" : "production" },
          ]}
        />
      </Card>
      <Text size="sm" c="dimmed">
        These are set by environment variables and take effect at the next start.
      </Text>
    </Stack>
  );
}

function days(value: number | null): string {
  if (value === null) return "kept for ever";
  return value === 1 ? "1 day" : `${value} days`;
}

function Workers() {
  const { data, error, isPending, refetch } = useWorkers();
  if (isPending) return <Loading rows={3} />;
  if (error !== null) return <ErrorBox error={error} retry={() => void refetch()} />;
  return (
    <Card title="Workers" flush>
      {data.length === 0 ? (
        <Empty title="No worker runs">
          Jobs and deliveries wait. Start a process with the roles compute and deliver.
        </Empty>
      ) : (
        <WorkersTable workers={data} />
      )}
    </Card>
  );
}
