#!/usr/bin/env node
import { runProgram } from "./program.ts";
import { processTerminal, tolerateClosedPipe } from "./terminal.ts";

tolerateClosedPipe();
const exitCode = await runProgram(process.argv.slice(2), processTerminal());
// the demo sets an exit code of its own
if (exitCode !== 0) process.exitCode = exitCode;
