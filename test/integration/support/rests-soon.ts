// Imported into a coordinator's process by a test: open tasks rest as soon as nothing happens in them, and not ten seconds later.
import { registerHooks } from 'node:module';

const texts = {
  restAfterMs: [/restAfterMs: 10 \* second/, 100],
  restEveryMs: [/restEveryMs: 2 \* second/, 50],
} as const;

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    if (!url.endsWith('/packages/contracts/src/limits.ts')) return loaded;
    let source = Buffer.from(loaded.source as Uint8Array).toString('utf8');
    for (const [name, [from, ms]] of Object.entries(texts)) {
      if (!from.test(source)) throw new Error(`limits.ts does not say ${name} as this test expects`);
      source = source.replace(from, `${name}: ${ms}`);
    }
    return { ...loaded, source };
  },
});
