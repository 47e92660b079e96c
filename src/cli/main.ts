#!/usr/bin/env node
import { Command, Option } from "commander";
import { readVersion } from "../config.ts";
import { runDemo } from "./demo.ts";
import { createKey } from "./keys.ts";
import { runMigrations } from "./migrate.ts";
import { parseRoles, serve } from "./serve.ts";

const program = new Command("ringback")
  .description("Asynchronous job API with guaranteed, signed callbacks, over one Postgres.")
  .version(readVersion())
  .showHelpAfterError("(ringback --help tells more)");

program
  .command("serve")
  .description("start the API and the workers; without DATABASE_URL also a database of its own")
  .addOption(
    new Option("--roles <list>", "what this process does: api, compute, deliver")
      .default(["api", "compute", "deliver"], "all")
      .argParser(parseRoles),
  )
  .action(serve);

program
  .command("migrate")
  .description("bring the database of DATABASE_URL to the schema of this version, and exit")
  .action(runMigrations);

program
  .command("demo")
  .description("show the path of a job, from submission to replay, in under a minute")
  .action(runDemo);

const keys = program.command("keys").description("API keys");
keys
  .command("create")
  .description("make an API key and print it, once")
  .option("--account <name>", "the account it belongs to, made when missing", "default")
  .option("--name <name>", "what it is for", "command line")
  .requiredOption("--scopes <list>", "comma-separated: jobs, webhooks, admin")
  .action(createKey);

await program.parseAsync().catch((error: Error) => {
  console.error(`ringback: ${error.message}`);
  process.exitCode = 1;
});
