import { Alert, Button, Code, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconAlertCircle, IconRefresh } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { messageOf, RingbackError } from "../api/client.ts";

/** An error in the server's words, and what to do about it. */
export function ErrorBox({ error, retry }: { error: unknown; retry?: () => void }) {
  const { title, advice } = explain(error);
  const message = messageOf(error);
  return (
    <Alert color="red" variant="outline" icon={<IconAlertCircle />} title={title} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{message}</Text>
        {error instanceof RingbackError && error.errors.length > 0 && (
          <ul className="rb-errors">
            {error.errors.map(({ pointer, parameter, detail }) => (
              <li key={`${pointer}${parameter}${detail}`}>
                <Code>{pointer ?? parameter ?? "body"}</Code> {detail}
              </li>
            ))}
          </ul>
        )}
        {advice !== null && <Text size="sm">{advice}</Text>}
        {error instanceof RingbackError && error.requestId !== null && (
          <Text size="xs" c="dimmed">
            Request id <Code>{error.requestId}</Code>
          </Text>
        )}
        {retry !== undefined && (
          <Button variant="default" leftSection={<IconRefresh size={14} />} onClick={retry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

function explain(error: unknown): { title: string; advice: string | null } {
  if (!(error instanceof RingbackError)) return { title: "Something went wrong", advice: null };
  if (error.status === null) return { title: "No connection", advice: null };
  if (error.status === 404) {
    const advice = "It may have been removed by retention, or belong to another account.";
    return { title: "Not found", advice };
  }
  if (error.code === "scope_missing") {
    return { title: "Not allowed", advice: "Sign in with an API key that has the scope." };
  }
  if (error.status >= 500) {
    const advice = "Search the server's log for the request id below.";
    return { title: "The server failed", advice };
  }
  return { title: "The server refused", advice: null };
}

interface EmptyProps {
  title: string;
  icon?: ReactNode;
  children: ReactNode;
  action?: ReactNode;
}

/** Nothing to show, and what to do next. */
export function Empty({ title, icon, children, action }: EmptyProps) {
  return (
    <Stack align="center" gap={6} py={48} px="md" ta="center">
      {icon}
      <Title order={2}>{title}</Title>
      <Text size="sm" c="dimmed" maw={440} component="div">
        {children}
      </Text>
      {action !== undefined && <div style={{ marginTop: 8 }}>{action}</div>}
    </Stack>
  );
}

export function Loading({ rows = 8, height = 22 }: { rows?: number; height?: number }) {
  return (
    <Stack gap={10} p="md" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height} width={index % 3 === 2 ? "82%" : "100%"} />
      ))}
    </Stack>
  );
}
