import { Center, Stack, Text, Title } from "@mantine/core";
import { IconLinkOff } from "@tabler/icons-react";

/** @param opened by a link that has ended; else by none */
export function NoLink({ opened }: { opened: boolean }) {
  return (
    <Center mih="100vh" p="md" bg="var(--rb-sunken)" component="main">
      <Stack className="rb-card" p="xl" maw={440} align="center" ta="center" gap="xs">
        <IconLinkOff size={28} stroke={1.4} aria-hidden />
        <Title order={1}>{opened ? "This link has ended" : "Open your link again"}</Title>
        <Text size="sm">
          {opened
            ? "It has expired or was revoked. Ask whoever gave it to you for a new one."
            : "This page is opened by a link, which this tab does not have."}
        </Text>
      </Stack>
    </Center>
  );
}
