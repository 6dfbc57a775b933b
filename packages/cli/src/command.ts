// What a command declares, and the types of what it is given. Reading the words of a command line is parse.ts.
import type { Client } from './client.ts';
import type { Exit } from './exit.ts';
import type { Terminal } from './terminal.ts';

interface Base {
  /** One phrase for the help. */
  readonly text: string;
  /** The environment variable that stands in where the option is not given. */
  readonly env?: string;
}
export interface Flag extends Base {
  readonly type: 'flag';
}
export interface Text extends Base {
  readonly type: 'text';
  /** What the help calls the value. */
  readonly value: string;
  readonly default?: string;
  readonly oneOf?: readonly string[];
}
export interface Many extends Base {
  readonly type: 'many';
  readonly value: string;
}
export interface Whole extends Base {
  readonly type: 'whole';
  readonly value: string;
  readonly default?: number;
  readonly min: number;
  readonly max: number;
}
/** `500ms`, `30s`, `5m`, `2h`, or seconds; milliseconds once read. */
export interface Duration extends Base {
  readonly type: 'duration';
  readonly default?: number;
}
export type Option = Flag | Text | Many | Whole | Duration;
export type Options = Readonly<Record<string, Option>>;

type Given<O extends Option> = O extends Flag
  ? boolean
  : O extends Many
    ? readonly string[]
    : O extends Whole | Duration
      ? O extends { readonly default: number }
        ? number
        : number | undefined
      : O extends { readonly default: string }
        ? string
        : string | undefined;
export type Values<O extends Options> = { readonly [K in keyof O]: Given<O[K]> };

export interface Argument {
  readonly name: string;
  readonly text: string;
  readonly optional?: boolean;
}
type ArgumentValues<A extends readonly Argument[]> = {
  readonly [K in A[number] as K['name']]: K extends { readonly optional: true } ? string | undefined : string;
};

export interface Example {
  readonly run: string;
  readonly what: string;
}

export const groups = { start: 'Start', tasks: 'Tasks', people: 'Decisions of people', operate: 'Operating' } as const;

/** What is true for every command, whatever its own options are. */
export interface Surroundings {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
  readonly natsUrl: string | undefined;
  readonly namespace: string | undefined;
  /** Connects on first use; what was connected is closed when the command ends. */
  connect(): Promise<Client>;
}

export interface Call<A extends readonly Argument[], O extends Options> extends Surroundings {
  readonly args: ArgumentValues<A>;
  readonly options: Values<O>;
}

export interface Declaration<A extends readonly Argument[], O extends Options> {
  /** One word, or two, as in `dlq ls`. */
  readonly name: string;
  readonly group: keyof typeof groups;
  readonly summary: string;
  readonly description?: string;
  readonly arguments: A;
  readonly options: O;
  readonly examples: readonly Example[];
  readonly run: (call: Call<A, O>) => Promise<Exit>;
}

/** A command whose own types are settled inside it. */
export type Command = Omit<Declaration<readonly Argument[], Options>, 'run'> & {
  readonly run: (call: Surroundings & { readonly args: object; readonly options: object }) => Promise<Exit>;
};

export const defineCommand = <const A extends readonly Argument[], const O extends Options>(
  declaration: Declaration<A, O>,
): Command => declaration as unknown as Command;

/** Taken by every command. */
export const everywhere = {
  json: {
    type: 'flag',
    text: 'print JSON for programs: one document, or one per line while watching',
    env: 'CAPSTAN_JSON',
  },
  'nats-url': {
    type: 'text',
    value: 'URL',
    text: 'where NATS is; several addresses separated by commas (default nats://127.0.0.1:4222)',
    env: 'CAPSTAN_NATS_URL',
  },
  namespace: {
    type: 'text',
    value: 'NAME',
    text: 'which installation on that NATS (default capstan)',
    env: 'CAPSTAN_NAMESPACE',
  },
  help: { type: 'flag', text: 'show this help' },
} as const satisfies Options;
