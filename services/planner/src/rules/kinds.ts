// What an entry becomes: the first rule that knows its words.
import type { Entry } from './entries.ts';
import { isRisky, quoted } from './words.ts';

export interface Draft {
  readonly title: string;
  readonly capability: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly risk?: 'high';
}

export const stepOf = (entry: Entry): Draft => {
  const { text } = entry;
  for (const rule of rules) {
    const made = rule(entry);
    if (made)
      return {
        title: text,
        ...made,
        ...(isRisky(text) && made.capability !== 'input' && made.capability !== 'approval'
          ? { risk: 'high' as const }
          : {}),
      };
  }
  return {
    title: text,
    capability: 'input',
    input: { text: quoted(`Please do this, and say what came of it: ${text}`) },
  };
};

type Made = Omit<Draft, 'title' | 'risk'>;

const rules: readonly ((entry: Entry) => Made | null)[] = [
  ({ text, isCommand }) => (isCommand ? shell(text) : null),
  ({ text }) => {
    const command =
      /^(?:please\s+)?(?:run|execute|invoke|start|do|build with|test with|lint with|check with)\b[^`]*`([^`]+)`/i.exec(
        text,
      );
    return command ? shell(command[1] as string) : null;
  },
  ({ text }) => {
    const asked =
      /^(?:please\s+)?(get|post|put|patch|delete|head|fetch|call|request|download|ping|check|query)\b[^`]*?`?(https?:\/\/[^\s`<>"')]+)/i.exec(
        text,
      );
    if (!asked) return null;
    const verb = (asked[1] as string).toUpperCase();
    const method = ['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'].includes(verb) ? verb : 'GET';
    return { capability: 'http', input: { method, url: quoted((asked[2] as string).replace(/[.,;]+$/, '')) } };
  },
  ({ text }) => {
    const pause =
      /^(?:please\s+)?(?:wait|pause|sleep)\b(?:\s+for)?\s+(?:a\s+|an\s+)?(\d+(?:\.\d+)?)?\s*(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b/i.exec(
        text,
      );
    if (!pause) return null;
    return { capability: 'wait', input: { ms: Math.round(Number(pause[1] ?? 1) * unitMs(pause[2] as string)) } };
  },
  ({ text }) =>
    /\b(approv(e|al|es|ed)|sign[- ]?off|go[- ]ahead|green light)\b/i.test(text)
      ? { capability: 'approval', input: { text: quoted(text) } }
      : null,
  ({ text }) =>
    /\?\s*$/.test(text) || /^(please\s+)?ask\b/i.test(text)
      ? { capability: 'input', input: { text: quoted(text) } }
      : null,
];

const unitMs = (unit: string): number => {
  if (/^(ms|milli)/i.test(unit)) return 1;
  if (/^s/i.test(unit)) return 1_000;
  return /^m/i.test(unit) ? 60_000 : 3_600_000;
};

/** A list of arguments where the words are plain; what needs a shell says so. */
export const shell = (command: string): Made => {
  const plain = /^[\w@%+=:,./-]+(?: +[\w@%+=:,./-]+)*$/.test(command) && !/^\w+=/.test(command);
  return {
    capability: 'shell',
    input: plain ? { command: command.split(/ +/) } : { command: quoted(command), shell: true },
  };
};
