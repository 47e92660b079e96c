import { Alert, Anchor, Button, Code, Group, List, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "react-router";
import { publicKeysOf } from "../../../client/signing.ts";
import { originPage, readSecret, readSigningKeys } from "../../api/secrets.ts";
import type { Attempt } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { TextView } from "../../components/json-view.tsx";
import { ErrorBox } from "../../components/states.tsx";
import { Pill } from "../../components/status.tsx";
import { checkSignatures, type Checked } from "./check-signatures.ts";

interface SignatureCardProps {
  attempt: Attempt;
  /** The exact text that was sent. */
  body: string;
  endpointId: string | null;
}

/** The signed content, the keys, and whether the signatures check out. */
export function SignatureCard({ attempt, body, endpointId }: SignatureCardProps) {
  const headers = attempt.request_headers;
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  const signatures = (headers["webhook-signature"] ?? "").split(" ").filter(Boolean);
  const sent = (version: string): boolean =>
    signatures.some((signature) => signature.startsWith(`${version},`));
  const { origin } = new URL(attempt.url);
  const content = `${id}.${timestamp}.${body}`;
  const check = useMutation({
    gcTime: 0,
    async mutationFn(): Promise<Checked[]> {
      const [{ secret }, keys] = await Promise.all([
        readSecret(endpointId === null ? { origin } : { endpointId }),
        readSigningKeys(),
      ]);
      return await checkSignatures(content, signatures, [secret, ...publicKeysOf(keys)]);
    },
  });
  const keyPage = endpointId === null ? originPage(origin) : `/endpoints/${endpointId}?tab=secret`;
  return (
    <Card title={`Signature of attempt ${attempt.number}`}>
      <Stack gap="sm">
        <Text size="sm">
          Signed are the id, the time and the body, joined by dots. A receiver computes the same
          over the bytes as they came and compares (
          <Anchor href="https://www.standardwebhooks.com" target="_blank" rel="noreferrer" inherit>
            Standard Webhooks
          </Anchor>
          ).
        </Text>
        <TextView label="Signed content" text={content} maxHeight={140} />
        <List size="sm" spacing={4}>
          <List.Item>
            <Code>v1</Code> HMAC-SHA256 with{" "}
            <Anchor component={Link} to={keyPage} inherit>
              {endpointId === null ? "the secret of the URL's origin" : "the endpoint's secret"}
            </Anchor>
            {sent("v1")
              ? "; while a secret is being rotated there is one for each"
              : "; not sent with this attempt"}
          </List.Item>
          <List.Item>
            <Code>v1a</Code> Ed25519, checked with{" "}
            <Anchor component={Link} to="/settings?tab=signing" inherit>
              the account's public key
            </Anchor>
            {sent("v1a") && "; while a key is being rotated there is one for each"}
            {!sent("v1a") && "; not sent with this attempt"}
          </List.Item>
        </List>
        {check.isError && <ErrorBox error={check.error} />}
        {check.data?.map(({ signature, verdict }) => (
          <Group key={signature} gap="xs" wrap="nowrap">
            {verdict === "valid" ? (
              <Pill tone="ok" icon="check">
                valid
              </Pill>
            ) : (
              <Pill tone="warn">{verdict}</Pill>
            )}
            <Text size="xs" className="rb-mono rb-truncate">
              {signature}
            </Text>
          </Group>
        ))}
        {check.data?.some(({ verdict }) => verdict !== "valid") && (
          <Alert color="yellow" variant="outline">
            The secret or the key may have been rotated since this attempt
            {endpointId === null && ", or the callback was given one of its own"}.
          </Alert>
        )}
        <Group>
          <Button variant="default" loading={check.isPending} onClick={() => check.mutate()}>
            Check with today's keys
          </Button>
        </Group>
      </Stack>
    </Card>
  );
}
