import { Button, Progress } from "@mantine/core";
import { IconPlus, IconStack2 } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { useJobs, useJobTypes } from "../../api/jobs.ts";
import type { Job } from "../../api/types.ts";
import type { Column } from "../../components/data-table.tsx";
import { FilterBar } from "../../components/filters.tsx";
import { ListFilter } from "../../components/list-filter.tsx";
import { duration } from "../../components/format.ts";
import { Id } from "../../components/id.tsx";
import { ListCard } from "../../components/list-card.tsx";
import { None } from "../../components/none.tsx";
import { Page } from "../../components/page.tsx";
import { Empty } from "../../components/states.tsx";
import { Status } from "../../components/status.tsx";
import { Time } from "../../components/time.tsx";
import { TimeFilter, timeQuery } from "../../components/time-filter.tsx";
import { useView } from "../../components/use-view.ts";
import { JOB_STATUSES } from "../../../core/model.ts";

const COLUMNS: Column<Job>[] = [
  { id: "id", header: "Job", cell: ({ id }) => <Id id={id} short /> },
  { id: "status", header: "Status", cell: ({ status }) => <Status value={status} /> },
  {
    id: "type",
    header: "Type",
    cell: ({ type }) => <span className="rb-mono">{type}</span>,
  },
  { id: "detail", header: "Detail", grow: true, cell: (job) => <Detail job={job} /> },
  { id: "took", header: "Took", align: "right", cell: took },
  { id: "created", header: "Accepted", cell: ({ created_at }) => <Time at={created_at} /> },
];

export default function JobList() {
  const view = useView([
    ...(["status", "not_status", "type", "not_type"] as const),
    ...(["range", "since", "until"] as const),
  ]);
  const { values, set, cursor } = view;
  const { range, since, until, ...rest } = values;
  const time = { range, since, until };
  const types = useJobTypes();
  const jobs = useJobs(() => ({ ...rest, ...timeQuery(time), cursor: cursor.value, limit: 50 }), {
    ...values,
    cursor: cursor.value,
  });
  return (
    <Page
      title="Jobs"
      actions={
        <>
          <Button component={Link} to="/jobs/failed" variant="default">
            Failed jobs
          </Button>
          <NewJobButton />
        </>
      }
    >
      <ListCard
        label="Jobs"
        query={jobs}
        columns={COLUMNS}
        href={({ id }) => `/jobs/${id}`}
        cursor={cursor}
        filters={
          <FilterBar filtered={view.filtered} onClear={view.clear}>
            <ListFilter
              label="Status"
              choices={JOB_STATUSES}
              value={values.status}
              not={values.not_status}
              withNot
              onChange={(status, not_status) => set({ status, not_status })}
            />
            <ListFilter
              label="Type"
              choices={(types.data ?? []).map(({ name }) => name)}
              value={values.type}
              not={values.not_type}
              withNot
              free
              onChange={(type, not_type) => set({ type, not_type })}
            />
            <TimeFilter value={time} onChange={set} />
          </FilterBar>
        }
        empty={
          view.filtered ? (
            <Empty
              title="No job matches"
              action={
                <Button variant="default" onClick={view.clear}>
                  Clear the filters
                </Button>
              }
            >
              Older jobs may have been removed by retention.
            </Empty>
          ) : (
            <Empty
              title="No jobs yet"
              icon={<IconStack2 size={28} stroke={1.4} />}
              action={<NewJobButton />}
            >
              Submit one by hand here, or by POST /v1/jobs.
            </Empty>
          )
        }
      />
    </Page>
  );
}

function NewJobButton() {
  return (
    <Button component={Link} to="/jobs/new" leftSection={<IconPlus size={14} />}>
      New job
    </Button>
  );
}

function Detail({ job: { status, progress, error } }: { job: Job }) {
  if (error !== null) {
    return (
      <span title={error.message}>
        {error.code !== status && <span className="rb-mono">{error.code}</span>} {error.message}
      </span>
    );
  }
  if (status !== "running") return <None />;
  const share = Math.round(progress.fraction * 100);
  return (
    <Progress
      value={share}
      size="sm"
      aria-label={`${share} % done`}
      miw={80}
      title={progress.message ?? undefined}
    />
  );
}

function took({ started_at, finished_at }: Job): ReactNode {
  if (started_at === null || finished_at === null) return <None />;
  return duration(Date.parse(finished_at) - Date.parse(started_at));
}
