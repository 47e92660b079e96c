import { Alert, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconEye, IconEyeOff, IconRotate } from "@tabler/icons-react";
import { useState } from "react";
import { useRevealSecret, useRotateSecret } from "../api/secrets.ts";
import { useMay } from "../api/session.ts";
import { Card } from "./card.tsx";
import { relative } from "./format.ts";
import { RotateDialog } from "./rotate-dialog.tsx";
import { SecretText } from "./secret-text.tsx";
import { ErrorBox } from "./states.tsx";
import { Time } from "./time.tsx";
import { useNow } from "./clock.ts";

interface SecretCardProps {
  /** Null: secrets of origins, one of which is asked for. */
  endpointId: string | null;
  /** The one that is asked for at first. */
  origin?: string | undefined;
  children: React.ReactNode;
}

/** Shows a signing secret on demand, and gives a new one with an overlap. */
export function SecretCard({ endpointId, origin: first = "", children }: SecretCardProps) {
  const mayShow = useMay("webhooks");
  const reveal = useRevealSecret();
  const rotate = useRotateSecret(endpointId);
  const [origin, setOrigin] = useState(first);
  const [asking, ask] = useDisclosure(false);
  const secret = rotate.data?.secret ?? reveal.data?.secret;
  const until = (rotate.data ?? reveal.data)?.previous_expires_at;
  const shown = secret !== undefined;

  function hide(): void {
    reveal.reset();
    rotate.reset();
  }

  if (!mayShow) return null;
  return (
    <Card title={endpointId === null ? "Secrets of callback URLs" : "Signing secret"}>
      <Stack gap="sm" maw={640}>
        <Text size="sm" component="div">
          {children}
        </Text>
        {endpointId === null && (
          <TextInput
            label="Origin"
            description="Of the callback URL, or the whole of it"
            type="url"
            placeholder="https://example.com"
            value={origin}
            onChange={({ currentTarget }) => {
              setOrigin(currentTarget.value);
              reveal.reset();
            }}
          />
        )}
        {shown && <SecretText label="Secret" secret={secret} />}
        {until && <Overlap until={until} />}
        {reveal.isError && <ErrorBox error={reveal.error} />}
        <Group gap="xs">
          <Button
            variant="default"
            loading={reveal.isPending}
            leftSection={shown ? <IconEyeOff size={14} /> : <IconEye size={14} />}
            disabled={endpointId === null && origin === ""}
            onClick={() =>
              shown ? hide() : reveal.mutate(endpointId === null ? { origin } : { endpointId })
            }
          >
            {shown ? "Hide" : "Reveal"}
          </Button>
          <Button variant="default" leftSection={<IconRotate size={14} />} onClick={ask.open}>
            Rotate…
          </Button>
        </Group>
      </Stack>
      <RotateDialog
        opened={asking}
        what="secret"
        overlaps={["none", "hour", "day", "week"]}
        busy={rotate.isPending}
        error={rotate.error}
        onClose={ask.close}
        onConfirm={(overlapS) =>
          rotate.mutate(overlapS, {
            onSuccess() {
              reveal.reset();
              ask.close();
            },
          })
        }
      >
        {endpointId === null && "It is for the callback URLs of all origins at once. "}
        Receivers must be given the new one. During the overlap each webhook carries a signature by
        both, so that they can change over without losing a call.
      </RotateDialog>
    </Card>
  );
}

function Overlap({ until }: { until: string }) {
  const now = useNow();
  const over = Date.parse(until) <= now;
  return (
    <Alert color={over ? "gray" : "yellow"} variant="outline" title="Rotated">
      <Text size="sm" component="div">
        {over ? (
          "The previous secret does not sign any more."
        ) : (
          <>
            The previous secret signs beside this one and ends {relative(until, now)} (
            <Time at={until} clock />
            ). Change the receiver over before that.
          </>
        )}
      </Text>
    </Alert>
  );
}
