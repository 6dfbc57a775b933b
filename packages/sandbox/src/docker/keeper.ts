// How everybody on the engine knows that a process lives: a tiny container that ends when the connection to it does. The engine notices the
// end of a process however it came, also by kill -9, so that neither a clock nor NATS has to be believed about it.
import type { Duplex } from 'node:stream';
import { pause } from '@capstan/kit';
import type { Engine } from './engine.ts';
import { labelsOf, type Owner } from './labels.ts';
import { containerOptions } from './options.ts';

export interface Keeper {
  /** Resolves once it stands; makes another where it has been taken away. */
  stand(): Promise<void>;
  end(): Promise<void>;
}

const againMs = 500;
const againMax = 60;

const limits = { cpu: 0.1, memory_mb: 16, pids: 8, disk_mb: 1 };

export const newKeeper = ({ docker, ask, settle }: Engine, owner: Owner, image: string): Keeper => {
  let standing: Promise<{ id: string; line: Duplex }> | null = null;
  const over = new AbortController();

  const make = async (): Promise<{ id: string; line: Duplex }> => {
    const options = containerOptions({
      image,
      // Reads until its input ends, which is when the process at the other end is gone.
      argv: ['cat'],
      labels: labelsOf('keeper', owner),
      limits,
      tmpMb: 1,
      volume: null,
      network: null,
      stdin: true,
    });
    options.HostConfig = { ...options.HostConfig, AutoRemove: true };
    const container = await ask('make a container', docker.createContainer(options));
    const line = (await ask(
      'attach to a container',
      container.attach({ stream: true, stdin: true, stdout: true, hijack: true }),
    )) as Duplex;
    line.on('error', () => {});
    line.resume();
    await ask('start a container', container.start());
    line.once('close', () => void again());
    return { id: container.id, line };
  };
  const stand = async (): Promise<void> => {
    standing ??= make();
    try {
      await standing;
    } catch (error) {
      standing = null;
      throw error;
    }
  };
  /**
   * Taken away by somebody, or its connection was cut, or the engine was started again: what runs counts as left behind until another stands.
   * Where none can be made soon, the next command makes one.
   */
  const again = async (): Promise<void> => {
    standing = null;
    for (let tries = 0; tries < againMax && !over.signal.aborted; tries += 1) {
      if (
        await stand().then(
          () => true,
          () => false,
        )
      )
        return;
      await pause(againMs, over.signal);
    }
  };
  return {
    stand,
    end: async () => {
      over.abort();
      const stood = await standing?.catch(() => null);
      if (!stood) return;
      stood.line.destroy();
      const container = docker.getContainer(stood.id);
      await settle('remove a container', container.remove({ force: true }));
      // Its own end may be taking it away already, which the engine says and then takes a while for.
      await settle('wait for a container', container.wait({ condition: 'removed' }));
    },
  };
};
