// Which orders of a partition nobody will say again: those that were stored before events which its checkpoint has passed. A restarted reader
// decides anew whatever is above the checkpoint, and its orders must still be there then, or an agent would do the work once more.

interface Sample {
  /** The newest event that was heard when ... */
  readonly event: number;
  /** ... the stream of orders ended here. */
  readonly order: number;
  readonly at: number;
}

export interface OrderMarks {
  /** Orders up to `order` were stored before anything after `event` was decided. */
  sample(sample: Sample): void;
  /** Up to here no order is said again, once a checkpoint at `event` is stored; names younger than `ageMs` do not count. */
  passed(event: number, now: number, ageMs: number): number;
}

/** More than there can be of one age, unless the checkpoint stands still; then the older of them say all there is to say. */
const samplesMax = 64;

export const newOrderMarks = (): OrderMarks => {
  const samples: Sample[] = [];
  let passed = 0;
  return {
    sample: (sample) => {
      if (samples.length < samplesMax) samples.push(sample);
    },
    passed: (event, now, ageMs) => {
      for (let first = samples[0]; first !== undefined; first = samples[0]) {
        if (first.event > event || first.at > now - ageMs) break;
        passed = Math.max(passed, first.order);
        samples.shift();
      }
      return passed;
    },
  };
};
