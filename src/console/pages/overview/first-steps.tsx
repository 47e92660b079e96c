import { Anchor, Button, Code, Group, Stack, Text } from "@mantine/core";
import { IconStack2 } from "@tabler/icons-react";
import { Link } from "react-router";
import { useMay } from "../../api/session.ts";
import { Card } from "../../components/card.tsx";
import { Copy } from "../../components/copy.tsx";

/** The first job, as a program submits it to this server. */
function firstJob(base: string): string {
  return [
    `curl ${base}/v1/jobs \\`,
    `  -H "Authorization: Bearer $RINGBACK_API_KEY" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '{"type": "demo.echo", "input": {"hello": "world"},`,
    `       "callback_url": "https://example.com/hooks"}'`,
  ].join("\n");
}

/** What to do while nothing has happened. */
export function FirstSteps() {
  const mayJobs = useMay("jobs");
  const mayWebhooks = useMay("webhooks");
  const command = firstJob(window.location.origin);
  return (
    <Card title="Send a first job">
      <Stack gap="sm">
        <Text size="sm" maw={680}>
          Nothing has happened in the last day. Submit a job: it is computed, and the result is sent
          to its callback URL, signed and tried again until it arrives. Put an API key and a URL of
          your own into this:
        </Text>
        <Group gap="xs" align="flex-start" wrap="nowrap">
          <Code block style={{ overflowX: "auto", minWidth: 0 }} tabIndex={0} aria-label="Command">
            {command}
          </Code>
          <Copy text={command} what="the command" />
        </Group>
        <Group gap="xs">
          {mayJobs && (
            <Button component={Link} to="/jobs/new" leftSection={<IconStack2 size={14} />}>
              Submit one here
            </Button>
          )}
          {mayWebhooks && (
            <Button component={Link} to="/endpoints/new" variant="default">
              Register an endpoint
            </Button>
          )}
          <Anchor href="/docs/" size="sm">
            API reference
          </Anchor>
        </Group>
      </Stack>
    </Card>
  );
}
