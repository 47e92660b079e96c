import { Alert, Button, Group, Select, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconEye, IconEyeOff, IconRotate } from "@tabler/icons-react";
import { useState } from "react";
import { useRevealSecret, useRotateSecret, type SecretOwner } from "../api/secrets.ts";
import { Card } from "./card.tsx";
import { Confirm } from "./confirm.tsx";
import { relative } from "./format.ts";
import { SecretText } from "./secret-text.tsx";
import { ErrorBox } from "./states.tsx";
import { Time } from "./time.tsx";
import { useNow } from "./clock.ts";

const OVERLAPS = [
  { value: "0", label: "none: the old secret ends now" },
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "24 hours" },
  { value: "604800", label: "7 days" },
];

/** Shows a signing secret on demand, and gives a new one with an overlap. */
export function SecretCard({ owner, children }: { owner: SecretOwner; children: React.ReactNode }) {
  const reveal = useRevealSecret(owner);
  const rotate = useRotateSecret(owner);
  const [asking, ask] = useDisclosure(false);
  const [overlapS, setOverlapS] = useState("86400");
  const found = rotate.data ?? reveal.data;
  const shown = found !== undefined;

  function hide(): void {
    reveal.reset();
    rotate.reset();
  }

  return (
    <Card title="Signing secret">
      <Stack gap="sm" maw={640}>
        <Text size="sm" component="div">
          {children}
        </Text>
        {shown && <SecretText label="Secret" secret={found.secret} />}
        {found?.previous_expires_at && <Overlap until={found.previous_expires_at} />}
        {reveal.isError && <ErrorBox error={reveal.error} />}
        <Group gap="xs">
          <Button
            variant="default"
            loading={reveal.isPending}
            leftSection={shown ? <IconEyeOff size={14} /> : <IconEye size={14} />}
            onClick={() => (shown ? hide() : reveal.mutate())}
          >
            {shown ? "Hide" : "Reveal"}
          </Button>
          <Button variant="default" leftSection={<IconRotate size={14} />} onClick={ask.open}>
            Rotate…
          </Button>
        </Group>
      </Stack>
      <Confirm
        opened={asking}
        title="Make a new secret?"
        action="Rotate the secret"
        danger
        busy={rotate.isPending}
        error={rotate.error}
        onClose={ask.close}
        onConfirm={() => rotate.mutate(Number(overlapS), { onSuccess: ask.close })}
      >
        <Stack gap="sm">
          <div>
            Receivers must be given the new one. During the overlap each webhook carries a signature
            by both, so that they can change over without losing a call.
          </div>
          <Select
            label="Overlap"
            data={OVERLAPS}
            value={overlapS}
            onChange={(value) => setOverlapS(value ?? "86400")}
            allowDeselect={false}
          />
        </Stack>
      </Confirm>
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
