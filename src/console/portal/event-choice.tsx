import { Alert, Button, Checkbox, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useUpdateEndpoint } from "../api/endpoints.ts";
import type { Endpoint } from "../api/types.ts";
import { Card } from "../components/card.tsx";
import { notifyDone } from "../components/notify.ts";
import { ErrorBox } from "../components/states.tsx";
import { usePortalSession } from "./session.ts";

/** The event types that the endpoint gets, of those that the partner may choose from. */
export function EventChoice({ endpoint: { id, events } }: { endpoint: Endpoint }) {
  const { event_types: choices } = usePortalSession();
  const update = useUpdateEndpoint(id);
  const subscribed = events.length === 0 ? choices : events;
  const [chosen, setChosen] = useState(choices.filter((one) => subscribed.includes(one)));
  const lost = events.filter((one) => !choices.includes(one));
  return (
    <Card title="Events">
      <Stack gap="md" maw={640} align="flex-start">
        {events.length === 0 && (
          <Text size="sm">At present this endpoint gets events of every type.</Text>
        )}
        <Checkbox.Group label="Send this endpoint" value={chosen} onChange={setChosen}>
          <Stack gap="xs" mt={6}>
            {choices.map((type) => (
              <Checkbox
                key={type}
                size="xs"
                value={type}
                label={<span className="rb-mono">{type}</span>}
              />
            ))}
          </Stack>
        </Checkbox.Group>
        {lost.length > 0 && (
          <Alert color="yellow" variant="outline" title="Beside these">
            <Text size="sm">
              It gets {lost.join(", ")} at present, which can&rsquo;t be chosen here: saving ends
              that.
            </Text>
          </Alert>
        )}
        {update.isError && <ErrorBox error={update.error} />}
        <Group gap="xs">
          <Button
            loading={update.isPending}
            disabled={chosen.length === 0}
            onClick={() =>
              update.mutate(
                { events: chosen },
                { onSuccess: () => notifyDone("Saved; it holds from the next event on") },
              )
            }
          >
            Save
          </Button>
        </Group>
      </Stack>
    </Card>
  );
}
