import { Alert, List, Text } from "@mantine/core";
import { Link } from "react-router";
import { useEndpoints } from "../api/endpoints.ts";
import type { Replay } from "../api/types.ts";
import { number } from "./format.ts";

/** What fits the choice and is not sent: how many, why, and where that is mended. */
export function LeftOut({ replay, onLeave }: { replay: Replay; onLeave: () => void }) {
  const endpoints = useEndpoints({ limit: 200 });
  const { left_out, matched_exact } = replay;
  if (left_out.length === 0) return null;
  const total = left_out.reduce((sum, { count }) => sum + count, 0);
  const nameOf = (id: string): string => {
    const endpoint = endpoints.data?.data.find((one) => one.id === id);
    return endpoint?.description || endpoint?.url || id;
  };
  return (
    <Alert variant="outline" color="yellow" title={`${shown(total, matched_exact)} left out`}>
      <List size="sm" spacing={2}>
        {left_out.map(({ reason, endpoint_id, count }) => (
          <List.Item key={`${reason} ${endpoint_id}`}>
            {shown(count, matched_exact)} of{" "}
            {endpoint_id === null ? (
              "other endpoints"
            ) : reason === "endpoint_disabled" ? (
              <Link to={`/endpoints/${endpoint_id}`} onClick={onLeave}>
                {nameOf(endpoint_id)}
              </Link>
            ) : (
              <span className="rb-mono">{endpoint_id}</span>
            )}
            , {reason === "endpoint_disabled" ? "disabled: enable it first" : "deleted"}
          </List.Item>
        ))}
      </List>
      <Text size="xs" c="dimmed" mt={4}>
        They stay where they are.
      </Text>
    </Alert>
  );
}

function shown(count: number, exact: boolean): string {
  return `${number(count)}${exact ? "" : "+"}`;
}
