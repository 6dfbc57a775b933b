// Any output: where a check failed, its last lines are one finding, with the first place in a file that they name.
import type { Verifier } from '../reads-output.ts';
import { nameOf } from '../check.ts';

const linesShown = 20;
const charactersShown = 4_000;

export const tail: Verifier = {
  name: 'tail',
  read: (check, { exitCode, timedOut, signal, stdout, stderr }) => {
    if (exitCode === 0) return [];
    const how = timedOut ? 'took too long' : exitCode === null ? `was ended by ${signal}` : `ended with ${exitCode}`;
    const said = lastLines(stderr) || lastLines(stdout);
    const message = `${nameOf(check)} ${how}${said ? `:\n${said}` : '.'}`.slice(0, charactersShown);
    const location = placeIn(said);
    return [{ severity: check.severity, category: check.category, message, ...(location ? { location } : {}) }];
  },
};

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-linesShown).join('\n').trim();

/** `src/a.ts:12:3`, as compilers and test runners write it. */
const placeIn = (text: string): string | null =>
  /(?:^|[\s("'])((?:[A-Za-z]:)?[\w@./\\-]*\w\.[A-Za-z]\w{0,9}:\d{1,7}(?::\d{1,7})?)(?=$|[\s)"':,])/m.exec(text)?.[1] ??
  null;
