// Imported into a coordinator's process by a test: it is of the next version of Capstan, and knows rules that the others do not.
import { registerHooks } from 'node:module';

const from = /^export const rulesVersion = (\d+);$/m;

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    if (!url.endsWith('/packages/engine/src/state.ts')) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString('utf8');
    if (!from.test(source)) throw new Error('state.ts does not say its rules as this test expects');
    return { ...loaded, source: source.replace(from, (_, n) => `export const rulesVersion = ${Number(n) + 1};`) };
  },
});
