// A sandbox of its own for a test, opened as an agent opens it, and all of it gone after.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Order } from '@capstan/contracts';
import { defineAgent, done, loadConfig, newLog, newMask, type TaskEnds } from '@capstan/kit';
import {
  type Command,
  type CommandResult,
  openSandbox,
  type Sandbox,
  type WorkContext,
  type Workspace,
} from '@capstan/sandbox';
import { missingSandbox, newScope } from '@capstan/sandbox/testing';

/** A reason to leave a test out, said loudly; false where commands can run. */
export const skip: string | false = missingSandbox() ?? false;

export interface Held {
  readonly sandbox: Sandbox;
  readonly scope: string;
  /** What commands have printed, by stream. */
  readonly said: { stream: string; text: string }[];
  readonly logged: string[];
  workspace(order?: Partial<Order>, signal?: AbortSignal): Promise<Workspace>;
  /** A line for the shell, in a workspace of its own. */
  sh(line: string, order?: Partial<Order>, more?: Partial<Command>): Promise<CommandResult>;
}

const agent = defineAgent({ queue: 'test', capabilities: ['nothing'], run: async () => done() });

export const hold = async (t: TestContext, env: NodeJS.ProcessEnv = {}, ends?: TaskEnds): Promise<Held> => {
  const { scope, remove } = newScope();
  const config = loadConfig(agent.queue, agent.section, { CAPSTAN_SANDBOX_SCOPE: scope, ...env });
  const logged: string[] = [];
  const to = { write: (line: string) => void logged.push(line) };
  const log = newLog({ service: 'test', instance: 'test', level: 'debug', mask: newMask(), to });
  const sandbox = await openSandbox('test', config, log, ends);
  t.after(async () => {
    await sandbox.end();
    assert.deepEqual(remove(), [], 'a container is left');
  });
  const said: { stream: string; text: string }[] = [];
  let tasks = 0;
  const workspace = (order: Partial<Order> = {}, signal = new AbortController().signal): Promise<Workspace> => {
    const context: WorkContext = {
      signal,
      log,
      output: (stream, chunk) => void said.push({ stream, text: Buffer.from(chunk).toString() }),
      masked: (text) => text,
      progress: () => {},
    };
    return sandbox.open({ task_id: `task-${++tasks}`, step_id: 'step', attempt: 1, ...order } as Order, context);
  };
  return {
    sandbox,
    scope,
    said,
    logged,
    workspace,
    sh: async (line, order, more) => {
      const opened = await workspace(order);
      try {
        return await opened.run({ argv: ['/bin/sh', '-c', line], ...more });
      } finally {
        opened.release();
      }
    },
  };
};
