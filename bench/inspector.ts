// Talks to the inspector of a process: of a service, over its socket, or of this one.
import { Session } from 'node:inspector/promises';
import type { System } from './system.ts';

export interface Inspector {
  post(method: string, params?: object): Promise<unknown>;
  close(): void;
}

/** `client` is this process; the system must have been started with `inspect`. */
export const inspectorOf = (system: System, name: string): Promise<Inspector> =>
  name === 'client' ? Promise.resolve(own()) : other(system, name);

const own = (): Inspector => {
  const session = new Session();
  session.connect();
  return {
    post: (method, params) => (session.post as (method: string, params?: object) => Promise<unknown>)(method, params),
    close: () => session.disconnect(),
  };
};

const other = async (system: System, name: string): Promise<Inspector> => {
  const service = system.services.get(name);
  if (service === undefined)
    throw new Error(`There is no service ${name}; there are ${[...system.services.keys()].join(', ')} and client.`);
  const url = /Debugger listening on (ws:\S+)/.exec(service.log())?.[1];
  if (url === undefined) throw new Error(`${name} does not say where its inspector listens.`);
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error(`The inspector of ${name} does not answer.`)), {
      once: true,
    });
  });
  const asked = new Map<number, (result: unknown) => void>();
  let count = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id === undefined) return;
    asked.get(id)?.(result);
    asked.delete(id);
  });
  return {
    post: (method, params = {}) =>
      new Promise((resolve) => {
        count += 1;
        asked.set(count, resolve);
        socket.send(JSON.stringify({ id: count, method, params }));
      }),
    close: () => socket.close(),
  };
};

/** What a process really uses of its heap and beside it, after a collection, in bytes. */
export const usedBytes = async (system: System, name: string): Promise<number> => {
  const inspector = await inspectorOf(system, name);
  await inspector.post('HeapProfiler.collectGarbage');
  const { usedSize, backingStorageSize = 0 } = (await inspector.post('Runtime.getHeapUsage')) as {
    usedSize: number;
    backingStorageSize?: number;
  };
  inspector.close();
  return usedSize + backingStorageSize;
};
