import { Button, Code, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconRotate } from "@tabler/icons-react";
import { useRotateSigningKey, useSigningKeys } from "../api/secrets.ts";
import type { SigningKeys } from "../api/types.ts";
import { Card } from "./card.tsx";
import { Copy } from "./copy.tsx";
import { Facts } from "./facts.tsx";
import { RotateDialog } from "./rotate-dialog.tsx";
import { SecretText } from "./secret-text.tsx";
import { ErrorBox, Loading } from "./states.tsx";
import { Time } from "./time.tsx";

/** The Ed25519 keys of the account: the current one, the one before, the next. */
export function SigningKeysCard() {
  const keys = useSigningKeys();
  const rotate = useRotateSigningKey();
  const [asking, ask] = useDisclosure(false);
  const { data } = keys;
  return (
    <Card title="Public keys">
      <Stack gap="md" maw={640}>
        <Text size="sm">
          They verify the <Code>v1a</Code> signatures (Ed25519) of this account. They are no
          secrets: give them to anyone. Receivers find them by the id that each webhook names in{" "}
          <Code>webhook-key-id</Code>.
        </Text>
        {keys.isError && <ErrorBox error={keys.error} />}
        {keys.isPending && <Loading rows={3} />}
        {data && (
          <>
            <SecretText label="Address of the keys" secret={data.jwks_url} />
            {data.next && <Key label="Next key" signingKey={data.next} />}
            <Key label="Public key" signingKey={data} />
            {data.previous && <Key label="Previous key" signingKey={data.previous} />}
          </>
        )}
        <Group>
          <Button variant="default" leftSection={<IconRotate size={14} />} onClick={ask.open}>
            Rotate the key…
          </Button>
        </Group>
      </Stack>
      <RotateDialog
        opened={asking}
        what="key"
        overlaps={["hour", "day", "week", "month"]}
        busy={rotate.isPending}
        error={rotate.error}
        onClose={ask.close}
        onConfirm={(overlapS) => rotate.mutate(overlapS, { onSuccess: ask.close })}
      >
        It is published now and signs in 10 minutes, so that receivers that fetch keys know it.
        During the overlap each webhook carries a signature by both; receivers that were given the
        key as a text must be given the new one before it ends.
        {data?.next && " The next key has not begun and is dropped for it."}
      </RotateDialog>
    </Card>
  );
}

interface KeyProps {
  label: string;
  signingKey: NonNullable<SigningKeys["next"]>;
}

function Key({ label, signingKey }: KeyProps) {
  const { kid, public_key, not_before, expires_at } = signingKey;
  return (
    <Stack gap="xs" data-testid="signing-key">
      <SecretText label={label} secret={public_key} />
      <Facts
        facts={[
          {
            name: "Key id",
            wide: true,
            value: (
              <Group gap={4} wrap="nowrap">
                <span className="rb-mono rb-truncate">{kid}</span>
                <Copy text={kid} what="key id" />
              </Group>
            ),
          },
          { name: "Signs from", value: <Time at={not_before} /> },
          {
            name: "Signs until",
            value: expires_at === null ? "it is rotated" : <Time at={expires_at} />,
          },
        ]}
      />
    </Stack>
  );
}
