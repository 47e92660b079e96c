import { Group, Text } from "@mantine/core";

export function Logo() {
  return (
    <Group gap={8} wrap="nowrap">
      <img src={`${import.meta.env.BASE_URL}icon.svg`} width={24} height={24} alt="" />
      <Text fw={650} size="md">
        Ringback
      </Text>
    </Group>
  );
}
