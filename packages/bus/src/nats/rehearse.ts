// A rehearsal of the connection: the code that runs for each message, of nats.js as of this folder, is run on made-up bytes before the first real
// ones come, so that it is compiled by then. Nothing of it reaches the server but two subscriptions that end with it. The reader of nats.js
// alone is compiled four times over in the first thousands of messages otherwise, for a tenth of a second of processor time (measured).
import { setImmediate as turn } from 'node:timers/promises';
import { namesOf } from '@capstan/contracts';
import type { NatsConnection, Subscription, SubscriptionOptions } from 'nats';
import { decodeTrusted } from '../decode.ts';
import { Asker } from './asker.ts';
import type { Line } from './line.ts';
import { Outgoing } from './outgoing.ts';
import { Publisher } from './publisher.ts';
import { Taker } from './taker.ts';

/** Of nats.js, whose version is pinned. */
interface Reader {
  parse(bytes: Uint8Array): void;
}
interface Protocol {
  readonly parser: Reader & { readonly constructor: new (dispatcher: unknown) => Reader };
}

const rounds = 60;
const atOnce = 64;

export const rehearseLine = async (line: Line): Promise<void> => {
  const { connection } = line;
  const { protocol } = connection as unknown as { protocol: Protocol };
  const names = namesOf();
  const subscriptions: (Subscription & { sid?: number })[] = [];
  /** Says everything to nobody, and hears what is made up. */
  const stage = {
    isClosed: () => false,
    info: connection.info,
    protocol: { info: connection.info, sendCommand: () => {}, flushPending: () => {} },
    subscribe: (subject: string, options?: SubscriptionOptions) => {
      const subscription = connection.subscribe(subject, options);
      subscriptions.push(subscription);
      return subscription;
    },
  } as unknown as NatsConnection;
  const inbox = line.inbox();
  const outgoing = new Outgoing(stage);
  const asker = new Asker(stage, outgoing, inbox);
  const publisher = new Publisher(asker, 'rehearsal', names.namespace, null);
  let taken = 0;
  const taker = new Taker(
    { ...line, connection: stage, asker, outgoing, watchers: new Set() },
    {
      stream: names.streams.orders,
      consumer: 'rehearsal',
      concurrency: 2 * atOnce,
      on: (delivery) => {
        if (decodeTrusted(delivery.data) !== null && delivery.subject !== '') taken += 1;
        delivery.letGo();
      },
      open: async () => {},
    },
  ).start();
  await turn();
  const [answers, orders] = subscriptions.map(({ sid }) => sid);
  const reader = new protocol.parser.constructor(protocol);
  const said: Promise<unknown>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    let heard = '';
    for (let at = 0; at < atOnce; at += 1) {
      const nth = round * atOnce + at;
      const task = `rehearsal-${nth}`;
      const body = `{"v":1,"task_id":"${task}","step_id":"s","attempt":1,"output":{}}`;
      said.push(publisher.once({ subject: names.event(at % 8, task, 'report', 'worker', 's', 1), data: body }));
      const answer = `{"stream":"${names.streams.events}","seq":${nth}}`;
      heard += `MSG ${inbox}.${nth} ${answers} ${answer.length}\r\n${answer}\r\n`;
      const reply = `$JS.ACK.${names.streams.orders}.rehearsal.1.${nth + 1}.${nth + 1}.1763700000000000000.${at}`;
      heard += `HMSG ${names.order('worker', task, 's', 1)} ${orders} ${reply} ${once.length} ${once.length + body.length}\r\n${once}${body}\r\n`;
    }
    const bytes = Buffer.from(heard);
    // As from the network: in pieces that end anywhere.
    const cut = Math.floor((bytes.length * (round % 8)) / 8);
    reader.parse(bytes.subarray(0, cut));
    reader.parse(bytes.subarray(cut));
    await turn();
  }
  await Promise.all(said);
  await taker.stop();
  for (const subscription of subscriptions) subscription.unsubscribe();
  asker.close();
  if (taken !== rounds * atOnce) throw new Error(`the rehearsal heard ${taken} of ${rounds * atOnce} orders`);
};

const once = 'NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 0\r\n\r\n';
