// For tests: a terminal that remembers, and a stand-in for the coordinator's API on a real nats-server.
import { connect } from '@capstan/bus';
import { type ServerOptions, startNatsServer, type TestServer } from '@capstan/bus/testing';
import type { StepRecord, TaskRecord } from '@capstan/contracts';
import { commands } from './commands/index.ts';
import { connectClient } from './connect.ts';
import type { Exit } from './exit.ts';
import { run } from './run.ts';
import { styleOf } from './style.ts';
import type { Terminal } from './terminal.ts';

export interface Remembering extends Terminal {
  readonly out: string[];
  readonly err: string[];
  readonly drawn: string[];
  press(key: string): void;
}

export const rememberingTerminal = (
  options: { isTty?: boolean; columns?: number; rows?: number } = {},
): Remembering => {
  const [out, err, drawn]: [string[], string[], string[]] = [[], [], []];
  let hear: ((key: string) => void) | undefined;
  return {
    out,
    err,
    drawn,
    print: (line) => void out.push(line),
    remark: (line) => void err.push(line),
    draw: (text) => void drawn.push(text),
    isTty: options.isTty ?? false,
    hasKeys: options.isTty ?? false,
    style: styleOf(false),
    remarkStyle: styleOf(false),
    size: () => ({ columns: options.columns ?? 100, rows: options.rows ?? 40 }),
    keys: (on) => {
      hear = on;
      return () => (hear = undefined);
    },
    press: (key) => hear?.(key),
  };
};

export interface Ran {
  readonly exit: Exit;
  readonly out: string;
  readonly err: string;
}

/** One command line, as typed. */
export const runCommand = async (words: readonly string[], environment: Record<string, string> = {}): Promise<Ran> => {
  const terminal = rememberingTerminal();
  const exit = await run(words, { commands, terminal, environment, connect: connectClient });
  return { exit, out: terminal.out.join('\n'), err: terminal.err.join('\n') };
};

type Reply = (body: Record<string, unknown>, subject: string) => object;

export interface StandIn extends AsyncDisposable {
  readonly server: TestServer;
  /** What was asked, as `task.get` with its body. */
  readonly asked: { readonly what: string; readonly body: Record<string, unknown> }[];
  /** Says a notice, as a coordinator would. */
  notice(tenant: string, task: string, status: string): void;
  run(...words: string[]): Promise<Ran>;
}

/** Answers `<noun>.<verb>` by these functions, and anything else by `not_found`. */
export const startStandIn = async (
  replies: Readonly<Record<string, Reply>>,
  options: ServerOptions = {},
): Promise<StandIn> => {
  const server = await startNatsServer(options);
  const bus = await connect({ url: server.url, user: 'a', password: 'a', warn: () => {} });
  const asked: StandIn['asked'] = [];
  await bus.serve({
    name: 'capstan',
    version: '0.0.0',
    description: 'A stand-in',
    endpoints: [
      {
        name: 'api',
        subject: bus.names.apis,
        on: async (wire) => {
          const what = wire.subject.split('.').slice(2).join('.');
          const body = JSON.parse(Buffer.from(wire.data).toString()) as Record<string, unknown>;
          asked.push({ what, body });
          return {
            data: JSON.stringify(replies[what]?.(body, wire.subject) ?? refused('not_found', `There is no ${what}.`)),
          };
        },
      },
    ],
  });
  return {
    server,
    asked,
    notice: (tenant, task, status) => bus.tell(bus.names.notice(tenant, task, status), '{}'),
    run: (...words) => runCommand([...words, '--nats-url', server.url]),
    async [Symbol.asyncDispose]() {
      await bus.close();
      await server.stop();
    },
  };
};

export const refused = (code: string, message: string, more: object = {}): object => ({
  error: { code, message, ...more },
});

const at = '2026-11-20T10:00:00.000Z';

export const someStep = (step: Partial<StepRecord> = {}): StepRecord => ({
  status: 'pending',
  depends_on: [],
  attempt: 0,
  agent: null,
  queue: null,
  started_at: null,
  finished_at: null,
  output: null,
  error: null,
  attempts: [],
  findings: { major: 0, medium: 0, minor: 0 },
  waiting_for: null,
  ...step,
});

export const someTask = (task: Partial<TaskRecord> = {}): TaskRecord => ({
  v: 1,
  task_id: 'feature-1087',
  title: 'Ship the export',
  tenant: 'default',
  priority: 'normal',
  requester: null,
  status: 'running',
  reason: null,
  phase: null,
  mode: 'auto',
  plan_hash: null,
  seq: 7,
  created_at: at,
  started_at: at,
  finished_at: null,
  updated_at: at,
  counts: {},
  steps: {},
  status_history: [],
  artifacts: [],
  interventions: [],
  result: null,
  usage: { tokens_in: 0, tokens_out: 0, wall_ms: 0 },
  ...task,
});

export const someIntervention = (more: object = {}) => ({
  v: 1,
  id: 'i1',
  kind: 'approval',
  status: 'pending',
  task_id: 'feature-1087',
  step_id: 'merge',
  tenant: 'default',
  title: 'Ship: merge',
  text: 'Merge it?',
  requester: null,
  roles: [],
  plan_hash: '',
  input_hash: '',
  created_at: '2026-11-20T10:00:00.000Z',
  expires_at: null,
  decided_at: null,
  by: null,
  role: null,
  reason: null,
  ...more,
});
