// The executors of a fleet as containers on this machine's engine: found by label, so that a fleet that is started again goes on with those
// that the one before has left.
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import Docker, { type ContainerInfo } from 'dockerode';
import { CommandError, exits } from '../exit.ts';

export interface PoolOptions {
  readonly image: string;
  readonly namespace: string;
  readonly queue: string;
  readonly network: string;
  readonly memoryMb: number;
  /** What they are told beside who they are. */
  readonly environment: Readonly<Record<string, string>>;
  /** The engine's socket, for the sandbox of their own; null for executors that run no commands. */
  readonly socket: string | null;
}

export interface Pooled {
  /** Its instance, as it announces itself. */
  readonly id: string;
  readonly container: string;
  /** It works or may work again, as one that is paused; otherwise it has ended, or was never started. */
  readonly alive: boolean;
  readonly startedAt: number;
}

export interface Pool {
  list(): Promise<Pooled[]>;
  start(): Promise<string>;
  /** Asks it to finish what it has and to end; it is given the time that this takes. One that is paused goes on for it. */
  drain(container: string): Promise<void>;
  remove(container: string): Promise<void>;
}

const label = { fleet: 'capstan.fleet', instance: 'capstan.fleet.instance' } as const;
const MiB = 1_024 * 1_024;
/** As long as any step may take: an executor that was told to go ends when its work does. */
const drainMs = 3_600_000;
/** One that was made and not started by then has lost whoever made it. */
const unstartedMs = 60_000;

export const newPool = (options: PoolOptions, docker = new Docker()): Pool => {
  const { image, namespace, queue, network, memoryMb, environment, socket } = options;
  const fleet = `${namespace}.${queue}`;
  const asked = <T>(question: Promise<T>): Promise<T> =>
    question.catch((error: unknown) => Promise.reject(explained(error, image)));
  return {
    list: async () => {
      const all = await asked(docker.listContainers({ all: true, filters: { label: [`${label.fleet}=${fleet}`] } }));
      return all.filter(({ State }) => State !== 'removing').map(pooled);
    },
    start: async () => {
      const instance = `fleet-${randomBytes(4).toString('hex')}`;
      const container = await asked(
        docker.createContainer({
          name: `capstan-${namespace}-${instance}`,
          Image: image,
          Labels: { [label.fleet]: fleet, [label.instance]: instance },
          Env: Object.entries({
            ...environment,
            CAPSTAN_INSTANCE: instance,
            CAPSTAN_DRAIN_MS: String(drainMs),
          }).map(([name, value]) => `${name}=${value}`),
          HostConfig: {
            NetworkMode: network,
            Init: true,
            ReadonlyRootfs: true,
            CapDrop: ['ALL'],
            SecurityOpt: ['no-new-privileges:true'],
            PidsLimit: 128,
            Memory: memoryMb * MiB,
            // It counts as memory, and a repository that is cloned passes through both.
            Tmpfs: { '/tmp': `uid=10001,gid=10001,mode=0700,size=${Math.max(64, Math.floor(memoryMb / 4))}m` },
            RestartPolicy: { Name: 'no' },
            LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
            ...(socket === null ? {} : throughSocket(socket)),
          },
        }),
      );
      try {
        await asked(container.start());
      } catch (error) {
        // Or it would count as one that is just being started.
        await container.remove({ force: true, v: true }).catch(() => {});
        throw error;
      }
      return instance;
    },
    drain: async (container) => {
      const one = docker.getContainer(container);
      try {
        await one.kill({ signal: 'SIGTERM' });
        return;
      } catch (error) {
        gone(error as Error);
      }
      const state = await one.inspect().then(({ State }) => State.Status, gone);
      // Nobody is in it who could finish anything.
      if (state === 'created') await one.remove({ force: true, v: true }).catch(gone);
    },
    remove: async (container) => {
      await docker.getContainer(container).remove({ force: true, v: true }).catch(gone);
    },
  };
};

/** The group of the socket, since executors are nobody in particular. */
const throughSocket = (socket: string) => ({
  Mounts: [{ Type: 'bind' as const, Source: socket, Target: '/var/run/docker.sock' }],
  GroupAdd: existsSync(socket) ? [String(statSync(socket).gid)] : [],
});

const pooled = ({ Id, Labels, State, Created }: ContainerInfo): Pooled => ({
  id: Labels[label.instance] ?? Id,
  container: Id,
  alive: !['exited', 'dead'].includes(State) && (State !== 'created' || Date.now() - Created * 1_000 < unstartedMs),
  startedAt: Created * 1_000,
});

const gone = (error: Error & { statusCode?: number }): void => {
  if (![304, 404, 409].includes(error.statusCode ?? 0)) throw error;
};

const explained = (error: unknown, image: string): unknown => {
  const { statusCode, message } = error as { statusCode?: number; message: string };
  if (statusCode === 404 && /no such image/i.test(message))
    return new CommandError(exits.failed, `The Docker Engine has no image "${image}".`, {
      code: 'not_found',
      hint: 'deploy/README.md says how it is built; --image names another.',
    });
  if (statusCode !== undefined) return error;
  return new CommandError(exits.unavailable, `No Docker Engine answers here: ${message}`, {
    code: 'unavailable',
    hint: 'A fleet keeps its executors in containers; on Debian, deploy/docker-engine.sh brings an engine.',
  });
};
