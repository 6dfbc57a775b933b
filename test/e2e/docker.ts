// Docker and Compose as this machine has them, or why the tests that need them can't run. What is done with them is in the tests.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

export type Engine = { readonly compose: readonly string[] } | { readonly missing: string };

/** Compose comes as a plugin of the client (2) or as a program of its own (1.29); both are fine. */
export const findEngine = (): Engine => {
  if (process.platform !== 'linux')
    return { missing: `the images are made of this machine, and it runs ${process.platform}` };
  const engine = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  if (engine.error) return { missing: `docker can't be run (${engine.error.message})` };
  if (engine.status !== 0)
    return {
      missing: `no Docker Engine answers (${engine.stderr.trim().split('\n').at(-1)}); as root on Debian, deploy/docker-engine.sh brings one`,
    };
  const found = [['docker', 'compose'], ['docker-compose']].find(
    ([command = '', ...first]) => spawnSync(command, [...first, 'version']).status === 0,
  );
  return found
    ? { compose: found }
    : { missing: 'there is no Docker Compose, neither as a plugin nor as docker-compose' };
};

/** What it printed; where it fails, the error is what it said. */
export const run = async (command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> => {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise((ended, failed) => child.on('close', ended).on('error', failed));
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${said}${printed}`.trimEnd());
  return printed.trim();
};

/** Ids, one a line. */
export const list = async (...args: string[]): Promise<string[]> =>
  (await run(['docker', ...args])).split('\n').filter(Boolean);

/** What a container has logged: on stderr, since that is where services log. */
export const logs = (container: string): string =>
  spawnSync('docker', ['logs', container], { encoding: 'utf8', maxBuffer: 64 << 20 }).stderr;

/** Resolves once so many containers of each service are healthy. */
export const healthy = async (project: string, wanted: Readonly<Record<string, number>>): Promise<void> => {
  const filters = ['--filter', `label=com.docker.compose.project=${project}`, '--filter', 'event=health_status'];
  // From a moment ago, so that nothing is missed between the first look and the first event.
  const since = String(Math.floor(Date.now() / 1_000) - 1);
  const events = spawn('docker', ['events', '--since', since, ...filters, '--format', '{{.Status}}'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((over) => events.once('close', over));
  const lines = createInterface(events.stdout);
  const late = setTimeout(() => events.kill(), patienceMs);
  try {
    // Looked at first, and again after each event: an event says that something changed, not how things stand.
    if (await areHealthy(project, wanted)) return;
    for await (const _ of lines) if (await areHealthy(project, wanted)) return;
    const found = await run(['docker', 'ps', '--all', ...filters.slice(0, 2)]);
    throw new Error(`within ${patienceMs / 1_000} s not everything became healthy:\n${found}`);
  } finally {
    clearTimeout(late);
    events.kill();
    await ended;
  }
};

const patienceMs = 90_000;

const areHealthy = async (project: string, wanted: Readonly<Record<string, number>>): Promise<boolean> => {
  const names = ['--filter', `label=com.docker.compose.project=${project}`, '--filter', 'health=healthy'];
  const services = await list('ps', ...names, '--format', '{{.Label "com.docker.compose.service"}}');
  return Object.entries(wanted).every(([service, count]) => services.filter((one) => one === service).length === count);
};
