// The entries of the lists in a text, in their order. What is no list is not work, but explanation.

export interface Entry {
  readonly text: string;
  /** It is a command as it stands, and not a sentence about one. */
  readonly isCommand: boolean;
}

export const entriesOf = (text: string): Entry[] => {
  const entries: Entry[] = [];
  let fence: 'commands' | 'other' | null = null;
  for (const line of text.split(/\r?\n/)) {
    const mark = /^\s*(?:```|~~~)\s*(\w*)/.exec(line);
    if (mark) {
      fence = fence ? null : /^(sh|bash|shell|console|zsh|terminal)$/i.test(mark[1] ?? '') ? 'commands' : 'other';
      continue;
    }
    const entry = fence === 'commands' ? commandIn(line) : fence === 'other' ? null : entryIn(line);
    if (entry) entries.push(entry);
    else if (!fence) goOn(entries, line);
  }
  return entries;
};

const commandIn = (line: string): Entry | null => {
  const command = line.replace(/^\s*\$\s+/, '').trim();
  return command === '' || command.startsWith('#') ? null : { text: command, isCommand: true };
};

const entryIn = (line: string): Entry | null => {
  const prompt = /^\s*\$\s+(\S.*)$/.exec(line);
  if (prompt) return { text: (prompt[1] as string).trim(), isCommand: true };
  const item = /^\s*(?:[-*+]|\d{1,3}[.)])\s+(?:\[[ xX]?\]\s+)?(\S.*)$/.exec(line);
  if (!item) return null;
  const text = (item[1] as string).trim();
  const alone = /^`([^`]+)`[.;]?$/.exec(text);
  return alone ? { text: (alone[1] as string).trim(), isCommand: true } : { text, isCommand: false };
};

/** A line that is indented goes on with the entry above it. */
const goOn = (entries: Entry[], line: string): void => {
  const last = entries.at(-1);
  if (last && !last.isCommand && /^\s{2,}\S/.test(line))
    entries[entries.length - 1] = { ...last, text: `${last.text} ${line.trim()}` };
};
