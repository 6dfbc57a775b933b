// How much of what a stranger sent comes back to them.

/** The length of the longest piece of an input that an answer repeats, where that is over 256 characters; else 0. */
export const echoed = (answer: string, input: Uint8Array): number => {
  if (answer.length <= limit) return 0;
  const text = Buffer.from(input).toString('utf8');
  let longest = 0;
  for (let at = 0; at + limit < answer.length; at += 1) {
    let length = Math.max(longest, limit) + 1;
    while (at + length <= answer.length && text.includes(answer.slice(at, at + length))) longest = length++;
  }
  return longest;
};

const limit = 256;
