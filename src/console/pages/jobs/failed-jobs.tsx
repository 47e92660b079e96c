import { Button } from "@mantine/core";
import { IconCircleCheck, IconRepeat } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Link } from "react-router";
import { useFailedJobGroups } from "../../api/jobs.ts";
import type { ReplayOrder } from "../../api/replays.ts";
import { useMay } from "../../api/session.ts";
import type { FailedJobGroup } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { DataTable, type Column } from "../../components/data-table.tsx";
import { number } from "../../components/format.ts";
import { None } from "../../components/none.tsx";
import { Page } from "../../components/page.tsx";
import { ReplayDialog } from "../../components/replay-dialog.tsx";
import { Empty, ErrorBox, Loading } from "../../components/states.tsx";
import { Time } from "../../components/time.tsx";

const BACK = { to: "/jobs", label: "Jobs" };

type Row = FailedJobGroup & { id: string };

/** Jobs that failed and were not retried, by type and error. */
export default function FailedJobs() {
  const { data, error, refetch } = useFailedJobGroups();
  const [order, setOrder] = useState<ReplayOrder | null>(null);
  const may = useMay("webhooks");
  const columns = useMemo(() => columnsFor(may ? setOrder : null), [may]);
  const rows = (data?.data ?? []).map((group) => ({
    ...group,
    id: `${group.type} ${group.error_code}`,
  }));
  return (
    <Page
      title="Failed jobs"
      description="By type and error, without those that were retried."
      back={BACK}
      actions={
        rows.length > 0 && may ? (
          <Button
            leftSection={<IconRepeat size={14} />}
            onClick={() => setOrder({ action: "replay", target: "jobs", filter: {} })}
          >
            Retry all…
          </Button>
        ) : null
      }
    >
      {error !== null && <ErrorBox error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Loading />}
      {data !== undefined && (
        <Card flush>
          {rows.length === 0 ? (
            <Empty title="None" icon={<IconCircleCheck size={28} stroke={1.4} />}>
              No job has failed, or each was retried.
            </Empty>
          ) : (
            <DataTable label="Failed jobs" columns={columns} rows={rows} />
          )}
        </Card>
      )}
      <ReplayDialog order={order} onClose={() => setOrder(null)} />
    </Page>
  );
}

function columnsFor(onRetry: ((order: ReplayOrder) => void) | null): Column<Row>[] {
  return [
    { id: "count", header: "Count", align: "right", cell: ({ count }) => number(count) },
    { id: "type", header: "Type", cell: ({ type }) => <span className="rb-mono">{type}</span> },
    {
      id: "error",
      header: "Error",
      cell: ({ error_code }) => <span className="rb-mono">{error_code}</span>,
    },
    {
      id: "message",
      header: "The last one says",
      grow: true,
      cell: ({ error_message, last_job_id }) => (
        <Link to={`/jobs/${last_job_id}`} title={error_message ?? undefined}>
          {error_message || last_job_id}
        </Link>
      ),
    },
    { id: "first", header: "First", cell: ({ first_at }) => <Time at={first_at} /> },
    { id: "last", header: "Last", cell: ({ last_at }) => <Time at={last_at} /> },
    {
      id: "retry",
      header: "Action",
      align: "right",
      cell: ({ type, error_code }) =>
        onRetry === null ? (
          <None />
        ) : (
          <Button
            size="compact-xs"
            variant="default"
            aria-label={`Retry ${type}, ${error_code}`}
            onClick={() =>
              onRetry({
                action: "replay",
                target: "jobs",
                filter: { type, error_code: [error_code] },
              })
            }
          >
            Retry…
          </Button>
        ),
    },
  ];
}
