import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";
import {
  useChangeAccount,
  useCreateAccount,
  useCreateAccountKey,
  useDeleteAccount,
} from "../../api/accounts.ts";
import type { Account } from "../../api/types.ts";
import { notifyDone } from "../../components/notify.ts";
import { SecretText } from "../../components/secret-text.tsx";
import { ErrorBox } from "../../components/states.tsx";

/** What is asked about before it is done. */
export type Asked = "key" | "rename" | "suspend" | "delete";

export function NewAccount({ onClose }: { onClose: () => void }) {
  const create = useCreateAccount();
  const done = (): void => {
    notifyDone("The account is made");
    onClose();
  };
  return (
    <TextForm
      label="Name"
      action="Make the account"
      required
      onClose={onClose}
      busy={create.isPending}
      error={create.error}
      onSubmit={(name) => create.mutate(name, { onSuccess: done })}
    />
  );
}

export function Ask({
  what,
  account,
  onClose,
}: {
  what: Asked;
  account: Account;
  onClose: () => void;
}) {
  const { id, name } = account;
  const change = useChangeAccount();
  const remove = useDeleteAccount();
  const key = useCreateAccountKey();
  const form = { onClose, busy: change.isPending || remove.isPending || key.isPending };
  const done = { onSuccess: onClose };
  if (what === "key") {
    if (key.data !== undefined) return <SecretText label="API key" secret={key.data.key} />;
    const make = (text: string): void => key.mutate({ id, name: text, scopes: ["admin"] });
    return (
      <TextForm
        {...form}
        label="What it is for"
        action="Make the key"
        required
        error={key.error}
        onSubmit={make}
      />
    );
  }
  if (what === "rename") {
    return (
      <TextForm
        {...form}
        label="New name"
        action="Rename"
        required
        error={change.error}
        onSubmit={(text) => change.mutate({ id, name: text }, done)}
      />
    );
  }
  if (what === "suspend") {
    return (
      <TextForm
        {...form}
        label="Reason"
        action="Suspend"
        error={change.error}
        onSubmit={(text) =>
          change.mutate({ id, state: "suspended", reason: text === "" ? null : text }, done)
        }
      >
        Its keys can read, and nothing new is accepted. What was accepted is computed and delivered.
      </TextForm>
    );
  }
  return (
    <TextForm
      {...form}
      label={`Write ${name} to confirm`}
      action="Delete the account"
      danger
      required
      matches={name}
      error={remove.error}
      onSubmit={() => remove.mutate(id, done)}
    >
      Its keys stop working at once, and all its jobs, deliveries and endpoints are deleted. Nothing
      brings them back.
    </TextForm>
  );
}

interface TextFormProps {
  label: string;
  action: string;
  required?: boolean;
  danger?: boolean;
  /** The only text that is taken. */
  matches?: string;
  busy: boolean;
  error: unknown;
  onSubmit: (text: string) => void;
  onClose: () => void;
  children?: React.ReactNode;
}

function TextForm(props: TextFormProps) {
  const { label, action, required = false, danger = false, matches, busy, error } = props;
  const [text, setText] = useState("");
  function submit(event: FormEvent): void {
    event.preventDefault();
    props.onSubmit(text.trim());
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {props.children && <Text size="sm">{props.children}</Text>}
        <TextInput
          label={label}
          required={required}
          maxLength={100}
          value={text}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
          data-autofocus
        />
        {error !== null && error !== undefined && <ErrorBox error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={props.onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            color={danger ? "red" : undefined}
            loading={busy}
            disabled={matches !== undefined && text.trim() !== matches}
          >
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
