// Plants one fault into the sources as they are loaded; must be called before they are.
import { registerHooks } from 'node:module';
import type { Bug } from './bugs.ts';

export const plant = (bug: Bug): void => {
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (!url.endsWith(`/${bug.file}`)) return loaded;
      const source =
        typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString('utf8');
      return { ...loaded, source: planted(source, bug) };
    },
  });
};

/** The source with the fault in it; throws where the text to change is not there, or not only once. */
export const planted = (source: string, bug: Bug): string => {
  const [before, after, ...more] = source.split(bug.from);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(
      `bug "${bug.name}": its text is in ${bug.file} ${more.length + (after === undefined ? 0 : 1)} times, not once`,
    );
  return `${before}${bug.to}${after}`;
};
