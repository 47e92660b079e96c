import { AppShell, Burger, Group, NavLink, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, type ReactNode } from "react";
import { Link, useLocation } from "react-router";
import { followActivity } from "../api/activity.ts";
import { useOverview } from "../api/overview.ts";
import { useSession } from "../api/session.ts";
import type { Scope } from "../../core/model.ts";
import { grants } from "../../core/scopes.ts";
import { AccountMenu } from "./account-menu.tsx";
import { count } from "./format.ts";
import { Keyboard } from "./keyboard.tsx";
import { LiveIndicator } from "./live-indicator.tsx";
import { Logo } from "./logo.tsx";
import { NAVIGATION } from "./navigation.ts";
import { Search } from "./search.tsx";
import classes from "./shell.module.css";

export function Shell({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [opened, { toggle, close }] = useDisclosure(false);
  useEffect(() => followActivity(client), [client]);
  return (
    <AppShell
      header={{ height: 48 }}
      navbar={{ width: 208, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding="md"
    >
      <a className="rb-skip" href="#main">
        Skip to the page
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger
            opened={opened}
            onClick={toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label={opened ? "Close the navigation" : "Open the navigation"}
            aria-expanded={opened}
          />
          <Link to="/" className={classes.logo} aria-label="Ringback, overview">
            <Logo />
          </Link>
          <Search />
          <Group gap="xs" wrap="nowrap" ml="auto">
            <LiveIndicator />
            <AccountMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" className={classes.navbar} aria-label="Areas">
        <Navigation onNavigate={close} />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
        <div className={classes.page}>{children}</div>
      </AppShell.Main>
      <Keyboard />
    </AppShell>
  );
}

function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const { pathname } = useLocation();
  const { account, key: apiKey } = useSession();
  const may = (scope: Scope | null): boolean => scope === null || grants(apiKey.scopes, [scope]);
  const overview = useOverview();
  const dead = overview.data?.dead_letters;
  return (
    <Stack gap={2} h="100%">
      {NAVIGATION.filter(({ scope }) => may(scope)).map(({ path, label, icon: Icon, key }) => {
        const active = path === "/" ? pathname === "/" : pathname.startsWith(path);
        const badge = path === "/dead-letters" && dead && dead.count > 0 ? count(dead) : null;
        return (
          <NavLink
            key={path}
            component={Link}
            to={path}
            label={label}
            active={active}
            aria-current={active ? "page" : undefined}
            aria-keyshortcuts={`g ${key}`}
            leftSection={<Icon size={16} stroke={1.8} aria-hidden />}
            rightSection={badge && <span className={classes.badge}>{badge}</span>}
            className={classes.link}
            onClick={onNavigate}
          />
        );
      })}
      <Text size="xs" c="dimmed" mt="auto" px="xs" className="rb-truncate">
        Account {account.name}
      </Text>
    </Stack>
  );
}
