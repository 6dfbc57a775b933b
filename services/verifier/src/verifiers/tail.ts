// Any output: where a check failed, its last lines are one finding, with the first place in a file that they name.
import { nameOf } from '../check.ts';
import type { Output } from '../output.ts';
import { placeIn } from '../place.ts';
import type { Verifier } from '../reads-output.ts';

const linesShown = 20;
const charactersShown = 3_000;

export const tail: Verifier = {
  name: 'tail',
  category: 'custom',
  read: ({ check, result, texts }: Output) => {
    if (result.exitCode === 0) return [];
    const said = lastLines(texts.at(-1) ?? '');
    const message = `${nameOf(check)} ${ending(result)}${said ? `:\n${said}` : '.'}`.slice(0, charactersShown);
    return [{ level: 'error', message, ...placeIn(said) }];
  },
};

const ending = ({ exitCode, signal, timedOut, outOfMemory }: Output['result']): string => {
  if (timedOut) return 'took too long';
  if (outOfMemory) return 'needed more memory than it was given';
  return exitCode === null ? `was ended by ${signal}` : `ended with ${exitCode}`;
};

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-linesShown).join('\n').trim();
