// Fetches an image that the engine doesn't have, where the configuration lets a step cause that.
import { posix } from 'node:path';
import { reject, Stopped } from '@capstan/kit';
import { type Engine, saidBy, statusOf } from './engine.ts';
import { places } from './options.ts';

/** For as long as the step lets it take. Throws `Stopped`. */
export const ensureImage = async ({ docker, ask }: Engine, image: string, signal: AbortSignal): Promise<void> => {
  try {
    await ask('look at an image', docker.getImage(image).inspect());
    return;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
  try {
    // Without a tag, all of them would come.
    const named = /[:@][^/]*$/.test(image) ? image : `${image}:latest`;
    const stream = await ask('fetch an image', docker.pull(named, { abortSignal: signal }));
    await followed(docker, stream);
  } catch (error) {
    if (error instanceof Stopped || signal.aborted) throw error;
    throw new Stopped(reject('image_missing', `The image "${image}" could not be fetched: ${saidBy(error)}`), {
      cause: error,
    });
  }
};

/** Where it wants volumes, other than where there is something already; nothing of an image that is not there. */
export const placesDeclaredBy = async ({ docker, ask }: Engine, image: string): Promise<string[]> => {
  try {
    const { Config } = await ask('look at an image', docker.getImage(image).inspect());
    const wanted = Object.keys((Config?.Volumes as Record<string, object> | null | undefined) ?? {});
    return wanted
      .map((place) => posix.normalize(`/${place}`).replace(/(.)\/$/, '$1'))
      .filter((place) => !ours.has(place));
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    return [];
  }
};

const ours = new Set<string>(['/tmp', places.volume]);

const followed = (docker: Engine['docker'], stream: NodeJS.ReadableStream): Promise<void> =>
  new Promise((over, fail) => {
    docker.modem.followProgress(stream, (error: Error | null) => (error ? fail(error) : over()));
  });
