// The points at which a process or the server may die: what is about to be said, has just been said, or is stored without its author having heard.
import { namesOf } from '@capstan/contracts';
import type { Frame } from './frames.ts';

export const moments = ['before', 'sent', 'stored'] as const;
/** `before` it leaves; `sent`, whatever became of it; `stored`, and the answer never read. */
export type Moment = (typeof moments)[number];

const names = namesOf();
const starts = (prefix: string) => (frame: Frame) => frame.subject.startsWith(prefix);
const wide = (subject: string) => subject.slice(0, subject.indexOf('>'));
const event = wide(names.events());
const isReport = ({ subject }: Frame) => subject.startsWith(event) && subject.split('.')[4] === 'report';
/** The names of objects are so on the wire; whole threes of letters, so that what follows does not change them. */
const base64 = (prefix: string): string =>
  Buffer.from(prefix.slice(0, prefix.length - (prefix.length % 3))).toString('base64url');
const tasks = `$KV.${names.buckets.tasks}.`;

export const points = {
  event: (frame) => frame.subject.startsWith(event) && !isReport(frame),
  report: isReport,
  order: starts(wide(names.orders())),
  letter: starts(wide(names.dlqs)),
  snapshot: (frame) => frame.subject.startsWith(tasks) && !frame.subject.startsWith(`${tasks}_`),
  checkpoint: starts(`${tasks}_checkpoint.`),
  question: starts(`$KV.${names.buckets.inbox}.`),
  object: starts(`$O.${names.buckets.artifacts}.`),
  log: starts(wide(names.logs)),
  /** Of what ended long ago: its object, the step from the bucket to the archive, and the log that forgets it. */
  batch: (frame) => frame.subject.startsWith(`$O.${names.buckets.artifacts}.M.${base64('_archive/')}`),
  archive: starts(`${tasks}${wide(`${names.archive(0)}>`).slice(0, -1)}`),
  purge: (frame) => frame.subject === `$JS.API.STREAM.PURGE.${names.streams.events}`,
  acknowledgement: (frame) => frame.subject.startsWith('$JS.ACK.') && frame.payload.toString('latin1') === '+ACK',
} as const satisfies Record<string, (frame: Frame) => boolean>;
export type Point = keyof typeof points;

/** Which of them each kind of process comes by. */
export const pointsOf = {
  coordinator: ['event', 'order', 'letter', 'snapshot', 'checkpoint', 'question', 'object', 'acknowledgement'],
  executor: ['report', 'object', 'log', 'acknowledgement'],
} as const satisfies Record<string, readonly Point[]>;

export interface Fate {
  readonly point: Point;
  readonly moment: Moment;
  readonly nth: number;
}

export const fateText = ({ point, moment, nth }: Fate): string => `${point}:${moment}:${nth}`;

export const fateOf = (text: string): Fate => {
  const [point = '', moment = '', nth = ''] = text.split(':');
  if (!Object.hasOwn(points, point) || !moments.includes(moment as Moment) || !/^\d+$/.test(nth))
    throw new Error(`"${text}" is no fate: it is <point>:<moment>:<nth>, as in "order:before:3".`);
  return { point: point as Point, moment: moment as Moment, nth: Number(nth) };
};

/** Sees every message that goes by, and tells when the moment has come. */
export const watchFor = ({ point, moment, nth }: Fate) => {
  let left = nth;
  let awaited = '';
  return {
    /** `now`: not this one any more; `after`: this one, and then no more. */
    out: (frame: Frame): 'now' | 'after' | 'go' => {
      if (awaited !== '' || !/^H?PUB$/.test(frame.verb) || !points[point](frame)) return 'go';
      // Of a batch only the last message is answered.
      if (moment === 'stored' && frame.reply === '') return 'go';
      left -= 1;
      if (left > 0) return 'go';
      if (moment === 'stored') awaited = frame.reply;
      return moment === 'before' ? 'now' : moment === 'sent' ? 'after' : 'go';
    },
    /** True for the answer that is not to be heard. */
    in: (frame: Frame): boolean => awaited !== '' && frame.subject === awaited,
  };
};
