import { ActionIcon, Text, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { IconMoon, IconSun } from "@tabler/icons-react";
import { useNow } from "../components/clock.ts";
import { relative } from "../components/format.ts";
import classes from "./portal.module.css";
import { usePortalSession } from "./session.ts";

export function Header() {
  const { theme, expires_at } = usePortalSession();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  const now = useNow();
  return (
    <header className={classes.header}>
      {theme.logo_url !== undefined && (
        <img src={theme.logo_url} alt="" className={classes.logo} referrerPolicy="no-referrer" />
      )}
      <Text fw={650} size="md" className="rb-truncate">
        {theme.title ?? "Webhooks"}
      </Text>
      <Text size="xs" c="dimmed" className={classes.ends}>
        Link ends {relative(expires_at, now)}
      </Text>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={dark ? "Light colours" : "Dark colours"}
        onClick={() => setColorScheme(dark ? "light" : "dark")}
      >
        {dark ? <IconSun size={18} stroke={1.6} /> : <IconMoon size={18} stroke={1.6} />}
      </ActionIcon>
    </header>
  );
}
