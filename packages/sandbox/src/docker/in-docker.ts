// The sandbox on a Docker Engine: a fresh container for each command, one volume for each task.
import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { type Config, type Logger, reject, Stopped, type TaskEnds } from '@capstan/kit';
import type { Order } from '@capstan/contracts';
import { newCapture } from '../capture.ts';
import { commandEnvironment } from '../environment.ts';
import { limitsOf } from '../limits.ts';
import type { Command, CommandResult, Sandbox, WorkContext, Workspace } from '../sandbox.ts';
import { collectFiles, readFile, writeFiles } from './archive.ts';
import { besideOptions } from './beside.ts';
import { newContainers } from './containers.ts';
import { proxyEnvironment, withEgress } from './egress.ts';
import { type Engine, newEngine, saidBy, statusOf } from './engine.ts';
import { ensureImage, placesDeclaredBy } from './image.ts';
import { inTime, lifeMs } from './in-time.ts';
import { newKeeper } from './keeper.ts';
import { labelsOf, type Owner } from './labels.ts';
import { containerOptions, places } from './options.ts';
import { newPresence } from './presence.ts';
import { endEarlier, reap } from './reap.ts';
import type { Beside } from './disk.ts';
import { runContainer } from './run.ts';
import { runWarm } from './run-warm.ts';
import { newTaskVolumes } from './task-volumes.ts';
import { volumeOf } from './volumes.ts';
import { newWarm } from './warm.ts';

const reapEveryMs = 10_000;
/** How far clocks of machines that share an engine may be apart. */
const clocksMs = 300_000;
const filesLimits = { cpu: 1, memory_mb: 64, pids: 16, disk_mb: 1_024 };

export const inDocker = async (
  config: Config,
  scope: string,
  log: Logger,
  { ends, engine = newEngine() }: { readonly ends?: TaskEnds | undefined; readonly engine?: Engine } = {},
): Promise<Sandbox> => {
  const self: Owner = { id: randomBytes(8).toString('hex'), scope };
  const settings = config.sandbox;
  const containers = newContainers(engine, (name, error) =>
    log.warn({ error, container: name }, 'A container could not be removed; it is tried again.'),
  );
  const warm = newWarm(containers, settings.warm);
  const keeper = newKeeper(engine, self, settings.image);
  const reaping = { self, known: containers.known };
  /** How not to hear any more how tasks end that left files here. */
  const followed = new Map<string, () => void>();
  const follow = (task: string): void => {
    if (ends !== undefined && !followed.has(task))
      followed.set(
        task,
        ends.follow(task, (status) => taskEnded(task, status)),
      );
  };
  const unfollow = (task: string): void => {
    followed.get(task)?.();
    followed.delete(task);
  };
  const volumes = newTaskVolumes({
    ...{ engine, owner: self, keepMs: settings.keep_ms, mostMb: settings.max.disk_mb, log, make: initial },
    isOpen: ends?.isOpen,
    onThere: follow,
    onGone: unfollow,
  });
  const taskEnded = (task: string, status: string): void => {
    if (status === 'failed' || presence.wrong() !== null) return;
    warm
      .drop(volumeOf(scope, task))
      .then(() => volumes.forget(task))
      .catch((error: unknown) => log.debug({ error, task }, 'The files of a task are kept a while longer.'));
  };

  const tidy = async (): Promise<void> => {
    if (presence.wrong() !== null) return;
    try {
      const names = await reap(engine, reaping);
      if (names.length > 0) log.info({ containers: names }, 'Removed what a process that is gone has left.');
      await volumes.sweep();
    } catch (error) {
      log.warn({ error }, 'Could not look for what others have left; trying again.');
    }
  };
  const presence = await newPresence({
    engine,
    image: settings.image,
    onThere: () => void setImmediate(() => void tidy()),
  });
  const tidying = setInterval(() => void tidy(), reapEveryMs).unref();

  /** An image of its own that lacks these folders would give the volume to root, so the first container is one of ours. */
  async function initial(volume: string): Promise<void> {
    await containers.with(files(volume), async () => {});
  }
  const files = (volume: string) =>
    containerOptions({
      image: settings.image,
      argv: ['true'],
      labels: labelsOf('files', self),
      limits: filesLimits,
      tmpMb: 1,
      volume,
      network: null,
      stdin: false,
    });

  const besides = new Set<Promise<void>>();
  const besideOf =
    (volume: string, step: { readonly task: string; readonly step: string }): Beside =>
    (container, use) => {
      const parts = { image: settings.image, labels: labelsOf('disk', self, step), volume, of: container.id };
      const stands = containers
        .with(besideOptions(parts), async (beside) => {
          await containers.start(beside);
          await use(beside);
        })
        // The command ended while it was made; or it can't be made, and what the command itself can see is all that is counted.
        .catch((error: unknown) => log.debug({ error }, 'Nobody looks at the disk beside a command.'))
        .finally(() => besides.delete(stands));
      besides.add(stands);
    };

  const run = async (order: Order, context: WorkContext, command: Command): Promise<CommandResult> => {
    const limits = limitsOf(order, settings);
    await presence.there(context);
    await keeper.stand();
    await endEarlier(engine, reaping, { task: order.task_id, step: order.step_id });
    const egress = command.egress ?? order.sandbox?.egress ?? [];
    const life = lifeMs(order, command);
    const labels = { task: order.task_id, step: order.step_id, deadlineMs: Date.now() + life + clocksMs };
    const image = command.image ?? order.sandbox?.image ?? settings.image;
    if (settings.pull && image !== settings.image) await ensureImage(engine, image, context.signal);
    const declared = await placesDeclaredBy(engine, image);
    const common = {
      image,
      declared,
      limits,
      tmpMb: settings.tmp_mb,
      volume: volumeOf(scope, order.task_id),
    };
    const env = { ...commandEnvironment(order, places.home), TMPDIR: '/tmp' };
    const running = {
      stdin: command.stdin,
      timeoutMs: command.timeoutMs,
      disk: { mb: limits.disk_mb, beside: besideOf(volumeOf(scope, order.task_id), labels) },
      signal: context.signal,
      capture: newCapture(command, context),
    };
    const argv = image === settings.image ? inTime(argvOf(command), life) : argvOf(command);
    const inside = (network: string | null) => {
      const options = containerOptions({
        ...common,
        argv,
        env: { ...env, ...(network === null ? {} : proxyEnvironment), ...command.env },
        labels: labelsOf('command', self, labels),
        network,
        stdin: command.stdin !== undefined,
      });
      return containers.with(options, (container) => runContainer(engine, containers, { container, ...running }));
    };
    if (egress.length === 0 && settings.warm > 0) {
      const standing = containerOptions({
        ...common,
        argv: [],
        labels: labelsOf('warm', self, { task: order.task_id }),
        network: null,
        stdin: false,
      });
      const ready = warm.take(standing);
      try {
        const here = { argv, env: { ...env, ...command.env }, ...running };
        const served = ready && (await runWarm(engine, { container: ready.container, ...here }));
        return served ?? (await inside(null));
      } finally {
        ready?.done();
        warm.prepare(standing);
      }
    }
    if (egress.length === 0) return inside(null);
    const only = [egress, ...(settings.only ? [settings.only] : [])];
    return withEgress(
      {
        engine,
        containers,
        image: settings.image,
        labels: labelsOf('egress', self, labels),
        rules: { allow: settings.allow, only },
        say: ({ target, refused, address }) => {
          context.log.info({ target, address, refused }, refused === null ? 'Let out.' : 'Not let out.');
          context.output('egress', `${target} ${refused === null ? 'let out' : `refused: ${refused}`}\n`);
        },
      },
      inside,
    );
  };

  return {
    kind: 'docker',
    wrong: presence.wrong,
    open: async (order, context): Promise<Workspace> => {
      const explained = <T>(work: () => Promise<T>): Promise<T> => work().catch(explain);
      const release = await explained(async () => {
        await presence.there(context);
        return volumes.use(order.task_id);
      });
      const withFiles = <T>(use: Parameters<typeof containers.with<T>>[1]): Promise<T> =>
        explained(async () => {
          await presence.there(context);
          await keeper.stand();
          return containers.with(files(volumeOf(scope, order.task_id)), use);
        });
      return {
        path: places.workspace,
        run: (command) => explained(() => run(order, context, command)),
        read: (path, bytesMax) => withFiles((container) => readFile(engine, container, path, bytesMax)),
        write: (list) => withFiles((container) => writeFiles(engine, container, list)),
        aside: async (name, data) => {
          await withFiles((container) => writeFiles(engine, container, [{ path: name, data }], places.home));
          return posix.join(places.home, name);
        },
        collect: (patterns, limits) =>
          patterns.length === 0
            ? Promise.resolve([])
            : withFiles((container) => collectFiles(engine, container, patterns, limits)),
        release,
      };
    },
    taskEnded,
    end: async () => {
      clearInterval(tidying);
      for (const task of [...followed.keys()]) unfollow(task);
      presence.end();
      await warm.end();
      await Promise.all(besides);
      await keeper.end().catch((error: unknown) => log.debug({ error }, 'The keeper could not be ended.'));
    },
  };
};

/** A folder that isn't there would be made by the engine, as root's; so the shell of the image goes there itself. */
const argvOf = ({ argv, cwd = '.' }: Command): readonly string[] => {
  const place = posix.resolve(places.workspace, cwd);
  return place === places.workspace ? argv : ['/bin/sh', '-c', 'cd -- "$0" && exec "$@"', place, ...argv];
};

/** What the engine refuses is explained; trying again would not change its mind. */
const explain = (error: unknown): never => {
  if (error instanceof Stopped || statusOf(error) === undefined) throw error;
  const said = saidBy(error);
  const image = /No such image: (\S+)/.exec(said)?.[1];
  throw new Stopped(
    image === undefined
      ? reject('sandbox_refused', `The Docker Engine refuses to run this: ${said}`)
      : reject(
          'image_missing',
          `The Docker Engine has no image "${image}". Load it there, or set sandbox.pull in the configuration.`,
        ),
    { cause: error },
  );
};
