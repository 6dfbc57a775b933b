// What the log of events holds just now, read to its end once.
import type { Message } from '@capstan/bus';
import type { World } from './world.ts';

/** Ends where there is no more, or where `on` says false. */
export const readNow = async (
  { bus, names }: World,
  from: { readonly subjects: readonly string[]; readonly after: number },
  on: (message: Message) => boolean | void,
): Promise<void> => {
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const reading = await bus.log(names.streams.events).read({
    ...from,
    on: (message) => {
      if (on(message) === false) end();
    },
    onIdle: () => end(),
  });
  await over;
  await reading.stop();
};
