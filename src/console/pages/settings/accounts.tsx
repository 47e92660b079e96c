import { Button, Group, Menu, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useAccounts, useChangeAccount } from "../../api/accounts.ts";
import type { Account } from "../../api/types.ts";
import type { Column } from "../../components/data-table.tsx";
import { Choice, FilterBar } from "../../components/filters.tsx";
import { Id } from "../../components/id.tsx";
import { ListCard } from "../../components/list-card.tsx";
import { Empty, ErrorBox } from "../../components/states.tsx";
import { Pill, Status } from "../../components/status.tsx";
import { Time } from "../../components/time.tsx";
import { useView } from "../../components/use-view.ts";
import { ACCOUNT_STATES } from "../../../core/account.ts";
import { Ask, NewAccount, type Asked } from "./account-dialogs.tsx";

/** The accounts of the service, for operators. */
export function Accounts() {
  const view = useView(["state"]);
  const { values, set, clear, filtered, cursor } = view;
  const accounts = useAccounts({ ...values, cursor: cursor.value, limit: 50 });
  const [creating, create] = useDisclosure(false);
  const [asked, setAsked] = useState<{ what: Asked; account: Account } | null>(null);
  const resume = useChangeAccount();
  const columns = columnsFor((what, account) => {
    if (what === "resume") resume.mutate({ id: account.id, state: "active" });
    else setAsked({ what, account });
  });
  return (
    <>
      <Group justify="flex-end" mb="sm">
        <Button leftSection={<IconPlus size={14} />} onClick={create.open}>
          New account
        </Button>
      </Group>
      {resume.isError && <ErrorBox error={resume.error} />}
      <ListCard
        label="Accounts"
        query={accounts}
        columns={columns}
        cursor={cursor}
        filters={
          <FilterBar filtered={filtered} onClear={clear}>
            <Choice
              label="State"
              choices={ACCOUNT_STATES}
              value={values.state}
              onChange={(state) => set({ state })}
            />
          </FilterBar>
        }
        empty={<Empty title="No account is in this state">Choose another state.</Empty>}
      />
      <Dialog title="New account" opened={creating} onClose={create.close}>
        <NewAccount onClose={create.close} />
      </Dialog>
      <Dialog
        title={asked === null ? "" : TITLES[asked.what](asked.account.name)}
        opened={asked !== null}
        onClose={() => setAsked(null)}
      >
        {asked && <Ask {...asked} onClose={() => setAsked(null)} />}
      </Dialog>
    </>
  );
}

const TITLES: Record<Asked, (name: string) => string> = {
  key: (name) => `An admin key of ${name}`,
  rename: (name) => `Rename ${name}`,
  suspend: (name) => `Suspend ${name}?`,
  delete: (name) => `Delete ${name}?`,
};

function columnsFor(onAsk: (what: Asked | "resume", account: Account) => void): Column<Account>[] {
  return [
    {
      id: "name",
      header: "Name",
      grow: true,
      cell: ({ name, current }) => (
        <Group gap="xs" wrap="nowrap" display="inline-flex">
          <span className="rb-truncate">{name}</span>
          {current && <Pill tone="info">this one</Pill>}
        </Group>
      ),
    },
    { id: "id", header: "Id", cell: ({ id }) => <Id id={id} short /> },
    {
      id: "state",
      header: "State",
      cell: ({ state, reason, deleted_rows }) => (
        <Group gap="xs" wrap="nowrap" display="inline-flex">
          <Status value={state} />
          {reason}
          {deleted_rows > 0 && `${deleted_rows.toLocaleString("en")} rows deleted`}
        </Group>
      ),
    },
    {
      id: "since",
      header: "Since",
      cell: ({ state_changed_at }) => <Time at={state_changed_at} />,
    },
    { id: "created", header: "Created", cell: ({ created_at }) => <Time at={created_at} /> },
    {
      id: "actions",
      header: "Action",
      align: "right",
      cell: (account) => <Actions account={account} onAsk={onAsk} />,
    },
  ];
}

interface ActionsProps {
  account: Account;
  onAsk: (what: Asked | "resume", account: Account) => void;
}

function Actions({ account, onAsk }: ActionsProps) {
  const { state, name, current } = account;
  if (state === "deleting" || state === "deleted") return null;
  const ask = (what: Asked | "resume") => () => onAsk(what, account);
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button variant="default" size="compact-xs" aria-label={`Change ${name}`}>
          Change…
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={ask("key")}>Make an admin key…</Menu.Item>
        <Menu.Item onClick={ask("rename")}>Rename…</Menu.Item>
        {state === "suspended" && <Menu.Item onClick={ask("resume")}>Resume</Menu.Item>}
        {state === "active" && !current && <Menu.Item onClick={ask("suspend")}>Suspend…</Menu.Item>}
        {!current && (
          <Menu.Item color="red" onClick={ask("delete")}>
            Delete…
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

interface DialogProps {
  title: string;
  opened: boolean;
  onClose: () => void;
  children: React.ReactNode;
}

function Dialog({ children, ...props }: DialogProps) {
  return (
    <Modal {...props} closeButtonProps={{ "aria-label": "Close" }}>
      {children}
    </Modal>
  );
}
