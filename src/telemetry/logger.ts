import winston from "winston";

/** JSON lines for machines; one readable line on a terminal. */
export function createLogger(options: { level: string; readable: boolean }): winston.Logger {
  const { combine, timestamp, json, printf } = winston.format;
  const readable = printf(({ level, message, timestamp: time, ...fields }) => {
    const rest = Object.entries(fields)
      .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
      .join(" ");
    return `${String(time).slice(11, 23)} ${level.toUpperCase().padEnd(5)} ${String(message)}  ${rest}`;
  });
  return winston.createLogger({
    level: options.level,
    format: combine(timestamp(), options.readable ? readable : json()),
    transports: [
      new winston.transports.Console({ stderrLevels: ["error", "warn", "info", "debug"] }),
    ],
  });
}

/** Of an error: what an operator needs. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = (error as { code?: unknown }).code;
  return { error: error.message, ...(code === undefined ? {} : { code }), stack: error.stack };
}
