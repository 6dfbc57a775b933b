// An installation of its own for a test: base images made of this machine, services built, everything up in containers; and all of it gone after.
import { join } from 'node:path';
import { type Engine, healthy, list, run } from './docker.ts';
import { hireJanitor } from './janitor.ts';

const root = join(import.meta.dirname, '../..');

export interface Installation extends AsyncDisposable {
  readonly url: string;
  /** Whose name its images and its network have. */
  readonly project: string;
  /** Runs a command of Compose on it. */
  compose(...args: string[]): Promise<string>;
  /** Resolves once so many containers of each service are healthy. */
  healthy(wanted: Readonly<Record<string, number>>): Promise<void>;
  /** Ids of the running containers of a service. */
  containers(service: string): Promise<string[]>;
  /** Takes it down, its images too; resolves to what is left nevertheless. */
  remove(): Promise<string[]>;
}

export const install = async (engine: Engine, say: (message: string) => void): Promise<Installation> => {
  if ('missing' in engine) throw new Error(engine.missing);
  const project = `capstan-e2e-${process.pid}-${Date.now().toString(36)}`;
  const env: Record<string, string> = {
    COMPOSE_PROJECT_NAME: project,
    CAPSTAN_IMAGES: project,
    CAPSTAN_TAG: 'test',
    // Any free port, chosen by the engine.
    CAPSTAN_PORT: '0',
    // Few, so that one executor can't take everything.
    CAPSTAN_CONCURRENCY: '2',
  };
  const composing = [...engine.compose, '-f', join(root, 'deploy/compose.yaml')];
  const compose = (...args: string[]): Promise<string> => run([...composing, ...args], env);
  const janitor = hireJanitor(composing, project);
  const mine = ['--filter', `label=com.docker.compose.project=${project}`];
  const timed = async <T>(what: string, work: Promise<T>): Promise<T> => {
    const from = performance.now();
    const result = await work;
    say(`${what}: ${((performance.now() - from) / 1_000).toFixed(1)} s`);
    return result;
  };

  const remove = async (): Promise<string[]> => {
    const images = await list('image', 'ls', '--quiet', '--no-trunc', `${project}/*`);
    await compose('down', '--volumes', '--remove-orphans');
    if (images.length > 0) await run(['docker', 'image', 'rm', '--force', ...images]);
    janitor.dismiss();
    const kinds = [
      ['ps', '--all'],
      ['network', 'ls'],
      ['volume', 'ls'],
    ];
    const left = await Promise.all(kinds.map((kind) => list(...kind, '--quiet', ...mine)));
    const all = await list('image', 'ls', '--all', '--quiet', '--no-trunc');
    return [...left.flat(), ...images.filter((image) => all.includes(image))];
  };
  try {
    const bases = await timed('base images', run([join(root, 'deploy/base-image.sh'), project]));
    for (const line of bases.split('\n')) Object.assign(env, Object.fromEntries([line.split('=')]));
    await timed('bundles', run([process.execPath, join(root, 'deploy/bundle.ts')]));
    await timed('images', compose('build'));
    await timed('up', compose('up', '--detach', '--no-build'));
    const everything = { nats: 1, coordinator: 1, planner: 1, executor: 1, verifier: 1, notifier: 1 };
    await timed('healthy', healthy(project, everything));
    const published = await compose('port', 'nats', '4222');
    return {
      url: `nats://${published}`,
      project,
      compose,
      healthy: (wanted) => healthy(project, wanted),
      containers: (service) =>
        list('ps', '--quiet', ...mine, '--filter', `label=com.docker.compose.service=${service}`),
      remove,
      [Symbol.asyncDispose]: async () => void (await remove()),
    };
  } catch (error) {
    say(await compose('logs', '--no-color', '--tail', '30').catch(String));
    await remove();
    throw error;
  }
};
