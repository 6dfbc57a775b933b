// What a child says on stderr, made readable for whoever sits at the terminal: warnings and errors only.
import { clean } from '../text.ts';

export interface Heard {
  readonly level: 'warn' | 'error';
  readonly text: string;
  /** Why it refuses to run: said where it ends, so not here as well. */
  readonly refusal?: boolean;
}

/** Null for what is only for the file. */
export const heard = (line: string): Heard | null => {
  if (line.trim() === '') return null;
  const record = parsed(line);
  // Not JSON: what Node itself writes when a process dies. Its first words are for people, the stack is for the file.
  if (!record) return stack.test(line) ? null : inWords(clean(line));
  const level = levels[String(record['level'])];
  if (level === undefined) return null;
  const message = typeof record['msg'] === 'string' ? record['msg'] : '';
  const error = (record['error'] ?? record['err']) as { message?: unknown } | undefined;
  const because = typeof error?.message === 'string' && error.message !== message ? `: ${error.message}` : '';
  const about =
    typeof record['task'] === 'string'
      ? ` (task ${record['task']}${typeof record['step'] === 'string' ? `, step ${record['step']}` : ''})`
      : '';
  return { level, text: clean(`${message.replace(/\.$/, '')}${because}${about}`) };
};

const inWords = (text: string): Heard => {
  const refused = /^capstan [\w-]+: (.*)$/.exec(text);
  return refused ? { level: 'error', text: refused[1] ?? '', refusal: true } : { level: 'error', text };
};

const levels: Readonly<Record<string, Heard['level']>> = {
  warn: 'warn',
  error: 'error',
  fatal: 'error',
  40: 'warn',
  50: 'error',
  60: 'error',
};

const stack = /^\s|^}|^node:|^file:|^Node\.js v/;

const parsed = (line: string): Record<string, unknown> | null => {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
};

/** Lets a burst through and then counts, so that one noisy child does not hide the others. */
export const limiter = (most: number, withinMs: number, now: () => number = Date.now) => {
  let from = 0;
  let count = 0;
  /** True to show it; how many were held back since the last one that was shown. */
  return (): { readonly show: boolean; readonly held: number } => {
    const at = now();
    let held = 0;
    if (at - from >= withinMs) {
      held = Math.max(0, count - most);
      from = at;
      count = 0;
    }
    count += 1;
    return { show: count <= most, held };
  };
};
