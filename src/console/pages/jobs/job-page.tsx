import { Alert, Button, Progress, SimpleGrid, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlayerStop, IconRefresh, IconRepeat } from "@tabler/icons-react";
import { Link, useNavigate, useParams } from "react-router";
import {
  useCancelJob,
  useJob,
  useJobDeliveries,
  useJobResult,
  useRetryJob,
  useTimeline,
} from "../../api/jobs.ts";
import { useJobMessages } from "../../api/messages.ts";
import type { Job } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { Confirm } from "../../components/confirm.tsx";
import { DataTable } from "../../components/data-table.tsx";
import { DELIVERY_COLUMNS } from "../../components/delivery-columns.tsx";
import { Facts } from "../../components/facts.tsx";
import { count, duration, json, prettyBody } from "../../components/format.ts";
import { Id } from "../../components/id.tsx";
import { TextView } from "../../components/json-view.tsx";
import { notifyDone } from "../../components/notify.ts";
import { OWN_MESSAGE_COLUMNS } from "../../components/message-columns.tsx";
import { Page } from "../../components/page.tsx";
import { ErrorBox, Loading } from "../../components/states.tsx";
import { Status } from "../../components/status.tsx";
import { Due, Time } from "../../components/time.tsx";
import { CallbacksTable } from "./callbacks-table.tsx";
import { Timeline } from "./timeline.tsx";

const BACK = { to: "/jobs", label: "Jobs" };

export default function JobPage() {
  const { id = "" } = useParams();
  const { data: job, error, refetch } = useJob(id);
  if (job === undefined) {
    return (
      <Page title="Job" back={BACK}>
        {error === null ? <Loading /> : <ErrorBox error={error} retry={() => void refetch()} />}
      </Page>
    );
  }
  return (
    <Page
      title={job.type}
      badge={<Status value={job.status} />}
      description={<Id id={job.id} link={false} />}
      back={BACK}
      actions={<Actions job={job} />}
    >
      <WaitNotice job={job} />
      <RunningProgress job={job} />
      {job.error !== null && (
        <Alert
          color={job.status === "canceled" ? "gray" : "red"}
          variant="outline"
          title={job.error.code}
        >
          <Text size="sm">{job.error.message}</Text>
        </Alert>
      )}
      <Card>
        <JobFacts job={job} />
      </Card>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <TimelineCard id={id} />
        <Stack gap="md" miw={0}>
          <TextView label="Input" text={prettyBody(job.posted.input)} />
          {job.progress.data !== undefined && (
            <TextView label="Intermediate result" text={json(job.progress.data)} />
          )}
          <Result job={job} />
          {Object.keys(job.metadata).length > 0 && (
            <TextView label="Metadata" text={prettyBody(job.posted.metadata)} />
          )}
        </Stack>
      </SimpleGrid>
      {job.callbacks.length > 0 && (
        <Card title="Callbacks" flush>
          <CallbacksTable callbacks={job.callbacks} />
        </Card>
      )}
      <JobEvents id={id} />
      <Deliveries id={id} />
    </Page>
  );
}

function Actions({ job }: { job: Job }) {
  const [asking, ask] = useDisclosure(false);
  const cancel = useCancelJob(job.id);
  const open = job.status === "pending" || job.status === "running";
  return (
    <>
      {open && (
        <Button
          variant="default"
          leftSection={<IconPlayerStop size={14} />}
          onClick={ask.open}
          disabled={job.cancel_requested_at !== null}
        >
          {job.cancel_requested_at === null ? "Cancel" : "Canceling"}
        </Button>
      )}
      {(job.status === "failed" || job.status === "canceled") && <Retry id={job.id} />}
      <Button
        component={Link}
        to={`/jobs/new?again=${job.id}`}
        variant="default"
        leftSection={<IconRepeat size={14} />}
      >
        Submit again
      </Button>
      <Confirm
        opened={asking}
        title="Cancel this job?"
        action="Cancel the job"
        danger
        busy={cancel.isPending}
        error={cancel.error}
        onClose={ask.close}
        onConfirm={() =>
          cancel.mutate(undefined, {
            onSuccess() {
              ask.close();
              notifyDone("The job is being canceled");
            },
          })
        }
      >
        1 job ends without a result. Its callbacks get an event that says so.
      </Confirm>
    </>
  );
}

/** What a pending job waits for. */
function WaitNotice({ job: { waiting_for: wait } }: { job: Job }) {
  if (wait === null) return null;
  const { detail, until, ahead } = wait;
  return (
    <Alert color="yellow" variant="outline" title="Waiting to run">
      <Text size="sm" component="div">
        {`${detail.charAt(0).toUpperCase()}${detail.slice(1)}. `}
        {until !== null && (
          <>
            It runs <Due at={until} />.{" "}
          </>
        )}
        {ahead !== undefined &&
          (ahead.count === 0 ? "It is the next of yours." : `${count(ahead)} of yours before it.`)}
      </Text>
    </Alert>
  );
}

/** Runs it again as a new job, and goes there. */
function Retry({ id }: { id: string }) {
  const [asking, ask] = useDisclosure(false);
  const retry = useRetryJob(id);
  const navigate = useNavigate();
  return (
    <>
      <Button leftSection={<IconRefresh size={14} />} onClick={ask.open}>
        Retry
      </Button>
      <Confirm
        opened={asking}
        title="Run it again?"
        action="Retry"
        busy={retry.isPending}
        error={retry.error}
        onClose={ask.close}
        onConfirm={() =>
          retry.mutate(undefined, { onSuccess: (job) => void navigate(`/jobs/${job.id}`) })
        }
      >
        A new job with the same input, metadata and callbacks. Its callbacks are told anew.
      </Confirm>
    </>
  );
}

function RunningProgress({ job: { status, progress, eta } }: { job: Job }) {
  if (status !== "running") return null;
  const share = Math.round(progress.fraction * 100);
  return (
    <div>
      <Progress value={share} aria-label={`${share} % done`} />
      <Text size="xs" c="dimmed" mt={4} component="div">
        {share} % {progress.message}{" "}
        {eta !== null && (
          <>
            · should end <Time at={eta} />
          </>
        )}
      </Text>
    </div>
  );
}

function JobFacts({ job }: { job: Job }) {
  const { started_at, finished_at } = job;
  return (
    <Facts
      facts={[
        { name: "Accepted", value: <Time at={job.created_at} /> },
        { name: "Started", value: <Time at={started_at} /> },
        { name: "Ended", value: <Time at={finished_at} /> },
        started_at !== null &&
          finished_at !== null && {
            name: "Took",
            value: duration(Date.parse(finished_at) - Date.parse(started_at)),
          },
        { name: "Runs", value: job.run },
        { name: "Time limit of a run", value: duration(job.timeout_s * 1_000) },
        job.retry_of !== null && { name: "Retry of", value: <Id id={job.retry_of} short /> },
        { name: "Request id", value: <Id id={job.request_id} link={false} /> },
      ]}
    />
  );
}

function TimelineCard({ id }: { id: string }) {
  const { data, error, isPending, refetch } = useTimeline(id);
  return (
    <Card title="Timeline">
      {isPending && <Loading rows={5} />}
      {error !== null && <ErrorBox error={error} retry={() => void refetch()} />}
      {data && <Timeline entries={data.data} />}
    </Card>
  );
}

function Result({ job }: { job: Job }) {
  const { data, error, isPending } = useJobResult(job.id, job.status === "completed");
  if (job.status !== "completed") return null;
  if (error !== null) return <ErrorBox error={error} />;
  return isPending ? <Loading rows={3} /> : <TextView label="Result" text={prettyBody(data)} />;
}

/** The events of the job that have a message, and the names of those that nobody wanted. */
function JobEvents({ id }: { id: string }) {
  const { data } = useJobMessages(id);
  const unheard = data?.without_receiver ?? [];
  if (!data || (data.data.length === 0 && unheard.length === 0)) return null;
  return (
    <Card title="Events" flush>
      {data.data.length > 0 && (
        <DataTable
          label="Events of this job"
          columns={OWN_MESSAGE_COLUMNS}
          rows={data.data}
          href={(message) => `/events/${message.id}`}
        />
      )}
      {unheard.length > 0 && (
        <Text size="sm" c="dimmed" px="md" py="xs">
          {unheard.join(", ")} had no receiver: no callback or endpoint wanted it, so there is no
          message of it (or retention has removed it).
        </Text>
      )}
    </Card>
  );
}

function Deliveries({ id }: { id: string }) {
  const { data } = useJobDeliveries(id);
  if (!data || data.data.length === 0) return null;
  return (
    <Card title="Deliveries" flush>
      <DataTable
        label="Deliveries of this job"
        columns={DELIVERY_COLUMNS}
        rows={data.data}
        href={(delivery) => `/deliveries/${delivery.id}`}
      />
    </Card>
  );
}
