import { Anchor, Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { createContext, useContext, type ReactNode } from "react";
import { Link } from "react-router";

/** What windows are named after. */
export const Product = createContext("Ringback");

interface PageProps {
  title: string;
  /** Beside the title, for instance a state. */
  badge?: ReactNode;
  description?: ReactNode;
  actions?: ReactNode;
  back?: { to: string; label: string };
  children: ReactNode;
}

export function Page({ title, badge, description, actions, back, children }: PageProps) {
  const product = useContext(Product);
  useDocumentTitle(`${title} · ${product}`);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-end" gap="sm">
        <div style={{ minWidth: 0, maxWidth: "100%" }}>
          {back && (
            <Anchor component={Link} to={back.to} size="xs">
              ← {back.label}
            </Anchor>
          )}
          <Group gap="sm">
            <Title order={1} style={{ overflowWrap: "anywhere" }}>
              {title}
            </Title>
            {badge}
          </Group>
          {description !== undefined && (
            <Text size="sm" c="dimmed" component="div">
              {description}
            </Text>
          )}
        </div>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}
