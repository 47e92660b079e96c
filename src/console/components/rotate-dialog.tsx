import { Select, Stack } from "@mantine/core";
import { useState } from "react";
import { Confirm } from "./confirm.tsx";

/** How long the old one signs beside the new one, in seconds as texts. */
const OVERLAPS = {
  none: { value: "0", label: "none: the old one ends now" },
  hour: { value: "3600", label: "1 hour" },
  day: { value: "86400", label: "24 hours" },
  week: { value: "604800", label: "7 days" },
  month: { value: "2592000", label: "30 days" },
} as const;

interface RotateDialogProps {
  opened: boolean;
  /** The thing that is rotated: `secret` or `key`. */
  what: string;
  overlaps: readonly (keyof typeof OVERLAPS)[];
  busy: boolean;
  error: unknown;
  onClose: () => void;
  onConfirm: (overlapS: number) => void;
  children: React.ReactNode;
}

/** Asks before something that signs is replaced, and for how long both sign. */
export function RotateDialog({
  what,
  overlaps,
  onConfirm,
  children,
  ...dialog
}: RotateDialogProps) {
  const [overlapS, setOverlapS] = useState<string>(OVERLAPS.day.value);
  return (
    <Confirm
      title={`Make a new ${what}?`}
      action={`Rotate the ${what}`}
      danger
      onConfirm={() => onConfirm(Number(overlapS))}
      {...dialog}
    >
      <Stack gap="sm">
        <div>{children}</div>
        <Select
          label="Overlap"
          data={overlaps.map((name) => OVERLAPS[name])}
          value={overlapS}
          onChange={(value) => setOverlapS(value ?? OVERLAPS.day.value)}
          allowDeselect={false}
        />
      </Stack>
    </Confirm>
  );
}
