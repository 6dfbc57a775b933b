// Help as text: for the whole program, for a group such as `dlq`, and for one command.
import { type Argument, type Command, everywhere, groups, type Option, type Options } from './command.ts';
import { exitMeanings } from './exit.ts';
import type { Style } from './style.ts';
import { padded, spanOf, widthOf } from './text.ts';

const width = 100;

export const mainHelp = (commands: readonly Command[], style: Style): string =>
  [
    'Capstan runs tasks made of steps by agents that live on NATS, and loses none of them.',
    '',
    heading('Usage', style),
    '  capstan COMMAND [arguments] [options]',
    ...Object.entries(groups).flatMap(([group, title]) => [
      '',
      heading(title, style),
      ...table(
        commands.filter((command) => command.group === group).map((command) => [usageOf(command), command.summary]),
      ),
    ]),
    '',
    ...optionsHelp('Options of every command', everywhere, style),
    '',
    heading('To begin with', style),
    ...examples(
      [
        { run: 'capstan up', what: 'start everything on this machine and watch a demonstration' },
        { run: 'capstan submit plan.json --watch', what: 'submit a task and watch it run' },
        { run: 'capstan why feature-1087', what: 'ask what an unfinished task waits for' },
        { run: 'capstan submit --help', what: 'all about one command' },
      ],
      style,
    ),
    '',
    ...exitHelp(style),
  ].join('\n');

export const groupHelp = (name: string, commands: readonly Command[], style: Style): string =>
  [
    heading(`capstan ${name} …`, style),
    ...table(commands.map((command) => [usageOf(command), command.summary])),
    '',
    heading('Examples', style),
    ...examples(
      commands.flatMap((command) => command.examples.slice(0, 1)),
      style,
    ),
  ].join('\n');

export const commandHelp = (command: Command, style: Style): string =>
  [
    `${style.bold(`capstan ${usageOf(command)}`)}${Object.keys(command.options).length > 0 ? ' [options]' : ''}`,
    '',
    ...wrap(`${command.summary}.${command.description ? ` ${command.description}` : ''}`, width),
    ...(command.arguments.length > 0
      ? [
          '',
          heading('Arguments', style),
          ...table(command.arguments.map((argument) => [argumentOf(argument), argument.text])),
        ]
      : []),
    ...(Object.keys(command.options).length > 0 ? ['', ...optionsHelp('Options', command.options, style)] : []),
    '',
    ...optionsHelp('Options of every command', everywhere, style),
    '',
    heading('Examples', style),
    ...examples(command.examples, style),
    '',
    ...exitHelp(style),
  ].join('\n');

const heading = (text: string, style: Style) => style.bold(text);
const argumentOf = (argument: Argument) =>
  argument.optional ? `[${argument.name.toUpperCase()}]` : argument.name.toUpperCase();
const usageOf = (command: Command) => [command.name, ...command.arguments.map(argumentOf)].join(' ');

const optionsHelp = (title: string, options: Options, style: Style) => [
  heading(title, style),
  ...table(Object.entries(options).map(([name, option]) => [spelling(name, option), meaning(option)])),
];

const spelling = (name: string, option: Option): string => {
  if (option.type === 'flag') return name === 'help' ? '-h, --help' : `--${name}`;
  return `--${name} ${option.type === 'duration' ? 'TIME' : option.value}${option.type === 'many' ? ' …' : ''}`;
};

const meaning = (option: Option): string => {
  const notes: string[] = [];
  if (option.type === 'text' && option.oneOf) notes.push(option.oneOf.join(', '));
  if (option.type === 'many') notes.push('may be repeated');
  if (option.type === 'duration')
    notes.push(option.default === undefined ? 'such as 30s, 5m, 2h' : `default ${spanOf(option.default)}`);
  else if ('default' in option && option.default !== undefined) notes.push(`default ${option.default}`);
  if (option.env) notes.push(option.env);
  return notes.length > 0 ? `${option.text} [${notes.join('; ')}]` : option.text;
};

const exitHelp = (style: Style) => [
  heading('Exit codes', style),
  ...exitMeanings.map(([code, meant]) => `  ${code}  ${meant}`),
];

const examples = (list: readonly { readonly run: string; readonly what: string }[], style: Style) =>
  list.flatMap(({ run, what }) => [`  $ ${run}`, `      ${style.dim(what)}`]);

const table = (rows: readonly (readonly [string, string])[]): string[] => {
  const left = Math.min(30, Math.max(0, ...rows.map(([name]) => widthOf(name))));
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, width - left - 4);
    const beside = widthOf(name) <= left;
    return [
      beside ? `  ${padded(name, left)}  ${lines[0] ?? ''}`.trimEnd() : `  ${name}`,
      ...lines.slice(beside ? 1 : 0).map((line) => `  ${' '.repeat(left)}  ${line}`),
    ];
  });
};

const wrap = (text: string, columns: number): string[] => {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line && widthOf(line) + 1 + widthOf(word) > columns) {
        lines.push(line);
        line = word;
      } else line = line ? `${line} ${word}` : word;
    }
    lines.push(line);
  }
  return lines;
};
