import { Textarea } from "@mantine/core";
import { parseExactly } from "../../core/json-text.ts";

export type Parsed = { value: unknown } | { fault: string };

export function parseJson(text: string): Parsed {
  try {
    return { value: parseExactly(text) };
  } catch (error) {
    return { fault: `Not valid JSON: ${(error as Error).message}` };
  }
}

interface JsonInputProps {
  label: string;
  description?: string;
  value: string;
  onChange: (text: string) => void;
  rows?: number;
}

export function JsonInput({ label, description, value, onChange, rows = 4 }: JsonInputProps) {
  const parsed = parseJson(value);
  return (
    <Textarea
      label={label}
      description={description}
      value={value}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
      error={"fault" in parsed ? parsed.fault : undefined}
      rows={rows}
      resize="vertical"
      spellCheck={false}
      classNames={{ input: "rb-mono" }}
    />
  );
}
