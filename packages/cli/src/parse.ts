// From the words of a command line to values. node:util splits them; what they mean is decided here, so that each
// mistake can be said in a sentence with the nearest right word.
import { parseArgs } from 'node:util';
import { type Command, everywhere, type Option, type Options } from './command.ts';
import { mistake } from './exit.ts';
import { nearestOf } from './nearest.ts';

export interface Parsed {
  readonly options: Readonly<Record<string, unknown>>;
  readonly args: Readonly<Record<string, string | undefined>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Splits a line into words and options; options are those declared, by name. */
export const split = (words: readonly string[], options: Options) =>
  parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(options).map(([name, option]) => [
        name,
        {
          type: option.type === 'flag' ? ('boolean' as const) : ('string' as const),
          ...(name === 'help' && { short: 'h' }),
        },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  }).tokens;

/** Reads what follows a command's name. `name` is what to call it in a complaint. */
export const parse = (command: Command, words: readonly string[], environment: Environment): Parsed => {
  const declared: Options = { ...command.options, ...everywhere };
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of split(words, declared)) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(declared, token.name) ? declared[token.name] : undefined;
    if (!option) throw unknownOption(token.rawName, declared, `capstan ${command.name}`);
    if (option.type === 'flag' && token.value !== undefined) {
      throw mistake(`--${token.name} takes no value.`, `Write --${token.name} alone.`);
    }
    if (
      option.type !== 'flag' &&
      (token.value === undefined || (!token.inlineValue && /^--?[a-z]/i.test(token.value)))
    ) {
      throw mistake(
        `--${token.name} needs a value.`,
        `For example --${token.name}=${option.type === 'duration' ? '30s' : option.value}.`,
      );
    }
    given.set(token.name, [...(given.get(token.name) ?? []), token.value ?? 'true']);
  }
  const options = Object.fromEntries(
    Object.entries(declared).map(([name, option]) => [name, read(name, option, given.get(name), environment)]),
  );
  return { options, args: options['help'] === true ? {} : placed(command, positionals) };
};

export const unknownOption = (raw: string, declared: Options, where: string) => {
  const near = nearestOf(raw.replace(/^-+/, ''), Object.keys(declared));
  return mistake(`There is no option ${raw}.`, near ? `Did you mean --${near}?` : `\`${where} --help\` lists them.`);
};

const placed = (command: Command, positionals: readonly string[]) => {
  const extra = positionals[command.arguments.length];
  if (extra !== undefined) {
    throw mistake(
      `\`capstan ${command.name}\` can't use "${extra}".`,
      `\`capstan ${command.name} --help\` says what it takes.`,
    );
  }
  return Object.fromEntries(
    command.arguments.map((argument, at) => {
      const value = positionals[at];
      if ((value === undefined || value === '') && !argument.optional) {
        throw mistake(
          `${argument.name.toUpperCase()} is missing: ${argument.text}.`,
          `For example \`${command.examples[0]?.run}\`.`,
        );
      }
      return [argument.name, value];
    }),
  );
};

const read = (
  name: string,
  option: Option,
  given: readonly string[] | undefined,
  environment: Environment,
): unknown => {
  const fromEnvironment = option.env === undefined ? undefined : environment[option.env];
  // An empty variable counts as absent, as Compose files and CI settings often leave one.
  const texts = given ?? (fromEnvironment === undefined || fromEnvironment === '' ? undefined : [fromEnvironment]);
  const source = given ? `--${name}` : (option.env ?? `--${name}`);
  const text = texts?.at(-1);
  if (option.type === 'many') return texts ?? [];
  if (option.type === 'flag') return text === undefined ? false : truth(source, text);
  if (text === undefined) return option.default;
  if (option.type === 'whole') return whole(source, text, option.min, option.max);
  if (option.type === 'duration') return durationMs(source, text);
  if (option.oneOf && !option.oneOf.includes(text)) {
    throw mistake(`${source} can't be "${text}".`, `It is one of ${option.oneOf.join(', ')}.`);
  }
  return text;
};

const truth = (source: string, text: string): boolean => {
  if (['1', 'true', 'yes', 'on'].includes(text.toLowerCase())) return true;
  if (['0', 'false', 'no', 'off'].includes(text.toLowerCase())) return false;
  throw mistake(`${source} can't be "${text}".`, 'It is 1 or 0.');
};

const whole = (source: string, text: string, min: number, max: number): number => {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw mistake(`${source} can't be "${text}".`, `It is a whole number from ${min} to ${max}.`);
  return value;
};

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, '': 1_000 };

const durationMs = (source: string, text: string): number => {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d|)$/.exec(text);
  if (!match) throw mistake(`${source} can't be "${text}".`, 'It is a time such as 500ms, 30s, 5m or 2h.');
  return Math.round(Number(match[1]) * (units[match[2] ?? ''] ?? 1_000));
};
