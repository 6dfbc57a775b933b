// The verdict, as the engine reads it: it must fit into the record of the step, so long messages give way. All of it is in the findings.
import { limits } from '@capstan/contracts';
import type { Decided } from './criteria/judge.ts';
import type { Ran } from './verify.ts';

/** Some room for what is escaped on the way. */
const bytesMax = limits.outputInlineBytesMax - 256;

export const verdictOf = (ran: Ran, decided: readonly Decided[]) => {
  for (let most = 2_000; ; most = Math.floor(most / 2)) {
    const verdict = worded(ran, decided, most);
    const left = bytesMax - Buffer.byteLength(JSON.stringify(verdict));
    if (left >= 0) return verdict;
    if (most === 0) return counted(ran, decided);
  }
};

const worded = ({ checked, criteria, open, thresholds }: Ran, decided: readonly Decided[], most: number) => {
  const short = (text: string): string => (text.length > most ? `${text.slice(0, most)}…` : text);
  const said = [
    ...checked.flatMap(({ criterion, passed, name }) =>
      criterion !== undefined && criteria.includes(criterion)
        ? [{ text: short(criterion), met: passed, by: 'command', reason: short(name) }]
        : [],
    ),
    ...decided.flatMap(({ text, met, reason }) =>
      met === null ? [] : [{ text: short(text), met, by: 'model', reason: short(reason) }],
    ),
  ];
  const unclear = open.filter((text) => !decided.some((one) => one.text === text && one.met !== null));
  return {
    passed: passed(checked, decided),
    checks: [
      ...checked.map(({ name, passed: good, message }) => ({
        name: name.slice(0, 120),
        passed: good,
        ...(message === undefined || most === 0 ? {} : { message: short(message) }),
      })),
      // The work is done again with the reasons of what did not pass.
      ...decided.flatMap(({ text, met, reason }) =>
        met === false ? [{ name: `criterion: ${short(text)}`, passed: false, message: short(reason) }] : [],
      ),
    ],
    ...(said.length > 0 ? { criteria: said } : {}),
    // Criteria in words are judged by a model or a person; saying "passed" here would be made up.
    ...(unclear.length > 0 ? { not_judged: unclear.map(short) } : {}),
    ...(thresholds === undefined ? {} : { thresholds }),
  };
};

/** Hundreds of checks: those that failed, as far as there is room, and how many there were. */
const counted = ({ checked, thresholds }: Ran, decided: readonly Decided[]) => {
  const failed = checked.filter((one) => !one.passed);
  const [shown, rest] = [failed.slice(0, 20), failed.slice(20)];
  return {
    passed: passed(checked, decided),
    checks: [
      ...shown.map(({ name }) => ({ name: name.slice(0, 60), passed: false })),
      ...(rest.length > 0 ? [{ name: `${rest.length} more`, passed: false }] : []),
      { name: `${checked.length - failed.length} others`, passed: true },
    ],
    ...(thresholds === undefined ? {} : { thresholds }),
  };
};

const passed = (checked: Ran['checked'], decided: readonly Decided[]): boolean =>
  checked.every((one) => one.passed) && decided.every(({ met }) => met !== false);
