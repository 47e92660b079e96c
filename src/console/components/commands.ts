import { useMantineColorScheme } from "@mantine/core";
import { useNavigate } from "react-router";
import { useSession, useSignOut } from "../api/session.ts";
import type { Scope } from "../../core/model.ts";
import { grants } from "../../core/scopes.ts";
import { NAVIGATION } from "./navigation.ts";
import { notifyError } from "./notify.ts";

/** What the search field can do, beside finding things. */
export interface Command {
  id: string;
  label: string;
  group: "Pages" | "Actions";
  /** Other words by which it is found. */
  words?: string;
  keys?: readonly string[];
  run: () => void;
}

/** The pages and actions that the key of this session may use. */
export function useCommands(): Command[] {
  const navigate = useNavigate();
  const { key } = useSession();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const signOut = useSignOut();
  const may = (scope: Scope | null): boolean => scope === null || grants(key.scopes, [scope]);
  const goTo = (path: string) => () => void navigate(path);
  const pages = NAVIGATION.filter(({ scope }) => may(scope)).map(
    ({ path, label, key: letter }): Command => ({
      id: path,
      label,
      group: "Pages",
      keys: ["g", letter],
      run: goTo(path),
    }),
  );
  const action = (id: string, label: string, run: () => void, words = ""): Command => ({
    id,
    label,
    group: "Actions",
    words,
    run,
  });
  const actions = [
    ...(may("jobs") ? [action("new-job", "New job", goTo("/jobs/new"), "submit create")] : []),
    ...(may("webhooks")
      ? [action("new-endpoint", "New endpoint", goTo("/endpoints/new"), "register create receiver")]
      : []),
    action("api", "API reference", () => window.location.assign("/docs/"), "docs openapi curl"),
    ...(["light", "dark", "auto"] as const)
      .filter((scheme) => scheme !== colorScheme)
      .map((scheme) =>
        action(
          `scheme-${scheme}`,
          scheme === "auto" ? "Colours like the system" : `Use ${scheme} colours`,
          () => setColorScheme(scheme),
          "theme appearance mode",
        ),
      ),
    action(
      "sign-out",
      "Sign out",
      () => signOut.mutate(undefined, { onError: notifyError }),
      "log out",
    ),
  ];
  return [...pages, ...actions];
}

/** Those with all these words. */
export function matchCommands(commands: readonly Command[], text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/);
  return commands.filter((command) => {
    const own = `${command.label} ${command.words ?? ""}`.toLowerCase();
    return words.every((word) => own.includes(word));
  });
}
