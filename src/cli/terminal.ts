/** A sink of text; a terminal knows its width. */
export interface Sink {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

/** The input and output of a command, which a test can replace. */
export interface Terminal {
  stdin: AsyncIterable<Buffer | string>;
  stdout: Sink;
  stderr: Sink;
  /** The environment; absent: that of the process. */
  environment?: NodeJS.ProcessEnv;
  /** Calls back at Ctrl-C or SIGTERM. Returns the function that ends this. */
  onInterrupt(callback: () => void): () => void;
}

export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  return {
    stdin,
    stdout,
    stderr,
    onInterrupt(callback) {
      const signals = ["SIGINT", "SIGTERM"] as const;
      for (const signal of signals) process.on(signal, callback);
      return () => {
        for (const signal of signals) process.off(signal, callback);
      };
    },
  };
}

/** A reader that went away (`| head`) is no error, unless a command has its own opinion. */
export function tolerateClosedPipe(): void {
  const { stdout } = process;
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" && stdout.listenerCount("error") === 1) process.exit();
  });
}
