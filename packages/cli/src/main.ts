#!/usr/bin/env node
// The binary `capstan`: run.ts with a real terminal, environment and connection.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';

// Before anything else is loaded: a command line is typed often, and compiling takes most of its time.
if (!process.env['NODE_COMPILE_CACHE']) enableCompileCache(join(import.meta.dirname, '../../../.cache/node-compile'));
const [{ commands }, { connectClient }, { run }, { processTerminal }] = await Promise.all([
  import('./commands/index.ts'),
  import('./connect.ts'),
  import('./run.ts'),
  import('./terminal.ts'),
]);

process.exitCode = await run(process.argv.slice(2), {
  commands,
  terminal: processTerminal(),
  environment: process.env,
  connect: connectClient,
});
