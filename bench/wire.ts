// What goes over the wire, as nats-server counts it.
import type { System } from './system.ts';

export interface Wire {
  readonly said: number;
  readonly heard: number;
}

/** What each connection has given to the server and got from it so far. */
export const wireOf = async ({ monitor }: System): Promise<ReadonlyMap<string, Wire>> => {
  const answer = await fetch(`${monitor}/connz?limit=1024`);
  const { connections } = (await answer.json()) as {
    connections: { name: string; in_msgs: number; out_msgs: number }[];
  };
  // A service says its kind and its instance.
  return new Map(connections.map((one) => [one.name.replace(/^.*\./, ''), { said: one.in_msgs, heard: one.out_msgs }]));
};
