// One command line from its words to its exit code. Takes everything it touches as arguments, so that tests need no process.
import { type BusError, isBusError } from '@capstan/bus';
import type { Client } from './client.ts';
import type { Whereto } from './connect.ts';
import { type Command, everywhere, type Surroundings } from './command.ts';
import { CommandError, type Exit, exits, mistake } from './exit.ts';
import { commandHelp, groupHelp, mainHelp } from './help.ts';
import { nearestOf } from './nearest.ts';
import { type Parsed, parse, split, unknownOption } from './parse.ts';
import type { Terminal } from './terminal.ts';
import { clean, jsonText } from './text.ts';

export interface Around {
  readonly commands: readonly Command[];
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly connect: (to: Whereto) => Promise<Client>;
}

export const run = async (words: readonly string[], around: Around): Promise<Exit> => {
  const { commands, terminal } = around;
  try {
    const found = find(words, commands);
    if ('help' in found) {
      terminal.print(
        found.help === ''
          ? mainHelp(commands, terminal.style)
          : groupHelp(found.help, inGroup(found.help, commands), terminal.style),
      );
      return found.exit;
    }
    if (asksHelp(found.rest)) {
      terminal.print(commandHelp(found.command, terminal.style));
      return exits.ok;
    }
    return await call(found.command, parse(found.command, found.rest, around.environment), around);
  } catch (error) {
    const told = isBusError(error) ? ofTheBus(error) : error;
    if (!(told instanceof CommandError)) throw told;
    complain(told, terminal, saysJson(words, around.environment));
    return told.exit;
  }
};

const ofTheBus = (error: BusError): CommandError => {
  const exit = error.code === 'unavailable' ? exits.unavailable : exits.failed;
  return new CommandError(exit, error.message, { code: error.code }, { cause: error });
};

const call = async (command: Command, { options, args }: Parsed, around: Around): Promise<Exit> => {
  let connected: Promise<Client> | undefined;
  const { terminal, environment } = around;
  const { json, 'nats-url': url, namespace: named, help: _, ...own } = options;
  const [natsUrl, namespace] = [url, named] as [string | undefined, string | undefined];
  const surroundings: Surroundings = {
    terminal,
    environment,
    json: json === true,
    natsUrl,
    namespace,
    connect: () => (connected ??= around.connect({ natsUrl, namespace, environment })),
  };
  try {
    return await command.run({ ...surroundings, options: own, args });
  } finally {
    await connected?.then((client) => client.close()).catch(() => {});
  }
};

type Found =
  | { readonly command: Command; readonly rest: readonly string[] }
  | { readonly help: string; readonly exit: Exit };

/** The command that the first words name; options of every command may stand before it. */
const find = (words: readonly string[], commands: readonly Command[]): Found => {
  const named: { word: string; at: number }[] = [];
  for (const token of split(words, everywhere)) {
    if (token.kind === 'option' && named.length === 0) {
      if (token.name === 'help') return { help: '', exit: exits.ok };
      if (!Object.hasOwn(everywhere, token.name)) throw unknownOption(token.rawName, everywhere, 'capstan');
    }
    if (token.kind === 'positional' && named.length < 2) named.push({ word: token.value, at: token.index });
  }
  const [first, second] = named;
  if (!first) return { help: '', exit: exits.usage };
  if (first.word === 'help') {
    const about = words.slice(first.at + 1).join(' ');
    const command = commands.find(({ name }) => name === about);
    return command
      ? { command, rest: ['--help'] }
      : { help: inGroup(about, commands).length > 0 ? about : '', exit: exits.ok };
  }
  const without = (...places: number[]) => words.filter((_, at) => !places.includes(at));
  const pair = second && commands.find(({ name }) => name === `${first.word} ${second.word}`);
  if (second && pair) return { command: pair, rest: without(first.at, second.at) };
  const single = commands.find(({ name }) => name === first.word);
  if (single) return { command: single, rest: without(first.at) };
  const group = inGroup(first.word, commands);
  if (group.length === 0)
    throw unknown(
      first.word,
      commands.flatMap(({ name }) => [name, name.split(' ')[0] ?? '']),
      'command',
      'capstan --help',
    );
  if (!second) return { help: first.word, exit: asksHelp(words) ? exits.ok : exits.usage };
  throw unknown(
    second.word,
    group.map(({ name }) => name.split(' ')[1] ?? ''),
    `\`${first.word}\` command`,
    `capstan ${first.word} --help`,
  );
};

const unknown = (word: string, known: readonly string[], what: string, help: string): CommandError => {
  const near = nearestOf(word, [...new Set(known)]);
  return mistake(
    `There is no ${what} "${clean(word)}".`,
    near ? `Did you mean \`${near}\`?` : `\`${help}\` lists them.`,
  );
};

const inGroup = (group: string, commands: readonly Command[]) =>
  commands.filter(({ name }) => name.startsWith(`${group} `));

const optionWords = (words: readonly string[]) =>
  words.slice(0, words.includes('--') ? words.indexOf('--') : undefined);
const asksHelp = (words: readonly string[]) => optionWords(words).some((word) => word === '--help' || word === '-h');
/** Known before anything is parsed, so that a mistake in the other options is said as JSON too. */
const saysJson = (words: readonly string[], environment: Around['environment']) =>
  optionWords(words).includes('--json') || ['1', 'true', 'yes', 'on'].includes(environment['CAPSTAN_JSON'] ?? '');

const complain = ({ message, detail }: CommandError, terminal: Terminal, json: boolean): void => {
  if (json) {
    terminal.print(jsonText({ error: { code: detail.code, message, hint: detail.hint, fields: detail.fields } }));
    return;
  }
  const style = terminal.remarkStyle;
  const hint = detail.hint ? ` ${clean(detail.hint)}` : '';
  terminal.remark(`${style.red('capstan:')} ${clean(message)}${hint}`);
  const fields = detail.fields ?? [];
  for (const { path, issue } of fields.slice(0, fieldsShown))
    terminal.remark(`  ${style.bold(clean(path))}: ${clean(issue)}`);
  if (fields.length > fieldsShown) terminal.remark(`  … and ${fields.length - fieldsShown} more`);
};

const fieldsShown = 20;
