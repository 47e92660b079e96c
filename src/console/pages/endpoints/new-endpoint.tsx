import { Button, Group, Stack, Text } from "@mantine/core";
import { Link } from "react-router";
import { useCreateEndpoint } from "../../api/endpoints.ts";
import { Card } from "../../components/card.tsx";
import { Page } from "../../components/page.tsx";
import { SecretText } from "../../components/secret-text.tsx";
import { EndpointForm } from "./endpoint-form.tsx";

const BACK = { to: "/endpoints", label: "Endpoints" };

export default function NewEndpoint() {
  const create = useCreateEndpoint();
  if (create.data !== undefined) {
    const { id, secret, url } = create.data;
    return (
      <Page title="Endpoint created" back={BACK}>
        <Card>
          <Stack gap="sm" maw={640}>
            <Text size="sm">
              Give this secret to <span className="rb-mono">{url}</span>. It checks each webhook
              with it. The endpoint's page shows it again.
            </Text>
            <SecretText label="Secret" secret={secret} />
            <Group>
              <Button component={Link} to={`/endpoints/${id}`}>
                Go to the endpoint
              </Button>
            </Group>
          </Stack>
        </Card>
      </Page>
    );
  }
  return (
    <Page title="New endpoint" back={BACK}>
      <EndpointForm
        action="Create the endpoint"
        busy={create.isPending}
        error={create.error}
        onSubmit={(input) => create.mutate(input)}
      />
    </Page>
  );
}
