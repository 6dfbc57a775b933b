// Imported into a coordinator's process by a test: the engine then dies of a command whose reason is "poison", as it would of a fault that no
// `catch` can hold.
import { registerHooks } from 'node:module';

const from = 'export const commanded = (draft: Draft, event: Commanded): void => {';

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    if (!url.endsWith('/packages/engine/src/events/commanded.ts')) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString('utf8');
    if (source.split(from).length !== 2) throw new Error('commanded.ts does not begin as this test expects');
    return {
      ...loaded,
      source: source.replace(
        from,
        `${from}\n  if (event.body.reason === 'poison') process.kill(process.pid, 'SIGKILL');`,
      ),
    };
  },
});
