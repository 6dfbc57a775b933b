// `capstan up` from its options to its exit code: takes the lock, starts the system, says it is ready, shows the demonstration, and lives
// until it is told to stop.
import { join, relative } from 'node:path';
import process from 'node:process';
import type { Call } from '../command.ts';
import { type Client, withoutSecrets } from '../client.ts';
import { type Exit, exits } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { type Demo, runDemo, sayEarlierTasks } from './demo.ts';
import { endLeftovers } from './leftovers.ts';
import { takeLock } from './lock.ts';
import { type Settled, settle, type upOptions } from './options.ts';
import { type Say, sayOn } from './say.ts';
import { newSystem } from './system.ts';

const checkout = join(import.meta.dirname, '../../../..');

export const runUp = async (call: Call<readonly [], typeof upOptions>): Promise<Exit> => {
  const { options, natsUrl, namespace, environment, json, terminal } = call;
  const settled = settle({ options, natsUrl, namespace, environment, checkout });
  const say = sayOn(terminal, json);
  const lock = await takeLock(settled.data);
  const told = new AbortController();
  const system = newSystem({ settled, checkout, environment, say, signal: told.signal });
  const unhear = hearSignals(told, say, () => {
    system.kill();
    lock.release();
    process.exit(exits.failed);
  });
  const end = async (): Promise<boolean> => {
    const allEnded = await system.drain();
    unhear();
    lock.release();
    return allEnded;
  };
  try {
    if (lock.tookOver) await cleanUp(settled, say);
    remind(settled, say);
    const client = await system.start();
    lock.note(client.url);
    say.result('ready', { url: client.url }, `ready ${client.url}`);
    await sayEarlierTasks({ client, say });
    if (!json) sayNext(settled, client, terminal);
    const { approveAfterMs } = settled;
    if (settled.demo) await showDemo({ client, terminal, say, json, approveAfterMs, signal: told.signal });
    say.remark('running', {}, 'Running until Ctrl-C.');
    await untilAborted(told.signal);
  } catch (error) {
    // Told to stop, whatever was going on breaks off somewhere.
    if (!told.signal.aborted) {
      await end();
      throw error;
    }
  }
  const allEnded = await end();
  say.remark('stopped', {}, 'Stopped. Everything is kept; the next start goes on from here.');
  return allEnded ? exits.ok : exits.failed;
};

/** The system is worth more than its demonstration. */
const showDemo = async (demo: Demo): Promise<void> => {
  try {
    await runDemo(demo);
  } catch (error) {
    if (demo.signal.aborted) throw error;
    demo.say.remark(
      'demo_failed',
      { message: (error as Error).message },
      `The demonstration broke off: ${(error as Error).message}`,
      'error',
    );
  }
};

const cleanUp = async ({ data }: Settled, say: Say): Promise<void> => {
  const ended = await endLeftovers(data);
  const what = ended.length > 0 ? `; what it left is ended: ${ended.join(', ')}` : '';
  say.remark('took_over', { ended }, `The supervisor before this one was killed${what}.`, 'warn');
};

const remind = ({ http, unsafeHostShell, natsUrl }: Settled, say: Say): void => {
  if (http !== undefined)
    say.remark(
      'http',
      { port: http },
      '--http is taken, but there is no HTTP gateway yet; nothing listens there.',
      'warn',
    );
  if (unsafeHostShell)
    say.remark(
      'unsafe_host_shell',
      {},
      'Tasks may run any command on this machine, as you: --unsafe-host-shell.',
      'warn',
    );
  if (natsUrl !== undefined)
    say.remark('nats_url', { url: withoutSecrets(natsUrl) }, `Using the NATS server on ${withoutSecrets(natsUrl)}.`);
};

const sayNext = ({ data }: Settled, { names, url }: Client, terminal: Terminal): void => {
  const { dim } = terminal.style;
  const usual = url === 'nats://127.0.0.1:4222';
  const lines = [
    'In another terminal:',
    ...(usual ? [] : [`  export CAPSTAN_NATS_URL=${url} NATS_URL=${url}`]),
    ...(names.namespace === 'capstan' ? [] : [`  export CAPSTAN_NAMESPACE=${names.namespace}`]),
    '  bin/capstan list',
    `  nats pub ${names.submit()} '{"title":"Hello","plan":{"steps":[{"id":"hello","capability":"echo","input":{"text":"hi"}}]}}'`,
    `Data and logs are in ${relative(process.cwd(), data) || '.'}. Ctrl-C stops it.`,
  ];
  for (const line of lines) terminal.print(dim(line));
};

const sameSignalMs = 500;

/** The first signal is for draining, a second one for ending at once. */
const hearSignals = (told: AbortController, say: Say, endAtOnce: () => void): (() => void) => {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let toldAt = 0;
  const hear = (signal: NodeJS.Signals) => {
    // Sent to the whole group, a signal comes twice: by itself, and passed on by whoever started this.
    if (told.signal.aborted) return performance.now() - toldAt > sameSignalMs ? endAtOnce() : undefined;
    toldAt = performance.now();
    told.abort();
    say.remark('draining', { signal }, 'Draining: what runs is finished or handed back. Once more ends it at once.');
  };
  for (const signal of signals) process.on(signal, hear);
  return () => {
    for (const signal of signals) process.off(signal, hear);
  };
};

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
