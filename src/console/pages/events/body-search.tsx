import { Button, Group, Loader, Text } from "@mantine/core";
import { IconPlayerStop } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import type { Query } from "../../api/client.ts";
import { useBodySearch } from "../../api/messages.ts";
import { DataTable } from "../../components/data-table.tsx";
import { MESSAGE_COLUMNS } from "../../components/message-columns.tsx";
import { Empty, ErrorBox } from "../../components/states.tsx";
import { Time } from "../../components/time.tsx";

/** As many hits are looked for without being asked for more. */
const ENOUGH = 50;

interface BodySearchProps {
  filters: ReactNode;
  text: string;
  filter: Query;
}

/** Looks for a text in bodies, further and further back, until the range ends or it is stopped. */
export function BodySearch({ filters, text, filter }: BodySearchProps) {
  const client = useQueryClient();
  // the range counts from now, and stays while the pages come
  const [query] = useState({ ...filter, text });
  const search = useBodySearch(query);
  const { data, error, hasNextPage, isFetching, fetchNextPage } = search;
  const [stopped, stop] = useState(false);
  const [wanted, want] = useState(ENOUGH);
  const hits = data?.pages.flatMap((page) => page.data) ?? [];
  const last = data?.pages.at(-1);
  const goesOn = hasNextPage && !stopped && error === null && hits.length < wanted;

  useEffect(() => {
    if (goesOn && !isFetching) void fetchNextPage();
  }, [goesOn, isFetching, fetchNextPage]);

  function cancel(): void {
    stop(true);
    // ends the request, and with it the statement in the database
    void client.cancelQueries({ queryKey: ["body-search", query] });
  }

  function goOn(): void {
    stop(false);
    want(hits.length + ENOUGH);
    void fetchNextPage();
  }

  const lookedUntil = last?.looked_until ?? (hasNextPage ? hits.at(-1)?.timestamp : null) ?? null;
  return (
    <section className="rb-card" aria-label="Events" aria-busy={isFetching}>
      {filters}
      <Group px="md" py="xs" gap="sm" role="status">
        {isFetching && !stopped && <Loader size="xs" aria-hidden />}
        <Text size="sm" component="div">
          {hits.length} with “{text}” in the body so far
          {lookedUntil !== null && (
            <>
              ; looked back to <Time at={lookedUntil} clock />
            </>
          )}
          {!hasNextPage && !isFetching && data !== undefined && "; this is all of the range"}
        </Text>
        {isFetching && !stopped && (
          <Button
            variant="default"
            leftSection={<IconPlayerStop size={14} />}
            onClick={cancel}
            ml="auto"
          >
            Stop
          </Button>
        )}
        {hasNextPage && !goesOn && !isFetching && (
          <Button variant="default" onClick={goOn} ml="auto">
            Look further back
          </Button>
        )}
      </Group>
      {error !== null && <ErrorBox error={error} retry={goOn} />}
      {hits.length > 0 && (
        <DataTable
          label="Events"
          columns={MESSAGE_COLUMNS}
          rows={hits}
          href={({ id }) => `/events/${id}`}
        />
      )}
      {hits.length === 0 && !hasNextPage && !isFetching && error === null && (
        <Empty title="No event has this text in its body">
          It was looked for exactly as it is sent, in the range of time above (the last 24 hours
          unless you choose another).
        </Empty>
      )}
    </section>
  );
}
