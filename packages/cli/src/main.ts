#!/usr/bin/env node
// The binary `capstan`: run.ts with a real terminal, environment and connection.
import process from 'node:process';
import { commands } from './commands/index.ts';
import { connectClient } from './connect.ts';
import { run } from './run.ts';
import { processTerminal } from './terminal.ts';

process.exitCode = await run(process.argv.slice(2), {
  commands,
  terminal: processTerminal(),
  environment: process.env,
  connect: connectClient,
});
