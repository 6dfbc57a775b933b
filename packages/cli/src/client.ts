// A connection to one installation: asks its API and turns a refusal into an error that says what to do.
import { type Bus, isBusError, textOf } from '@capstan/bus';
import { type ApiError, apiError, type ErrorCode, limits, type Names } from '@capstan/contracts';
import { CommandError, type Exit, exits } from './exit.ts';

export interface Client {
  readonly bus: Bus;
  readonly names: Names;
  /** For messages; without credentials. */
  readonly url: string;
  /** The answer of `<ns>.api.<noun>.<verb>`; throws a CommandError where it is an error, or where there is none. */
  ask(noun: string, verb: string, body: object, timeoutMs?: number): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/** `warnings` is what the connection warned of so far. */
export const clientOf = (bus: Bus, url: string, warnings: readonly string[]): Client => ({
  bus,
  names: bus.names,
  url: withoutSecrets(url),
  ask: async (noun, verb, body, timeoutMs = limits.requestTimeoutMs) => {
    let answer: unknown;
    try {
      answer = JSON.parse(await askPatiently(bus, bus.names.api(noun, verb), JSON.stringify(body), timeoutMs));
    } catch (error) {
      // A publish that is not permitted is not answered; the server says so beside it.
      const subject = bus.names.api(noun, verb);
      if (warnings.some((warning) => /permissions violation/i.test(warning) && warning.includes(`"${subject}"`))) {
        throw new CommandError(
          exits.failed,
          `This user may not ask ${subject}.`,
          { code: 'forbidden' },
          { cause: error },
        );
      }
      throw asked(error, bus, withoutSecrets(url));
    }
    const refused = apiError.safeParse(answer);
    if (refused.success) throw refusal(refused.data);
    if (typeof answer !== 'object' || answer === null) throw unreadable(`${noun}.${verb}`);
    return answer as Record<string, unknown>;
  },
  close: () => bus.close(),
});

/** That nobody listens is known at once, and may be over in a moment: a coordinator that was killed is started again. */
const askPatiently = async (bus: Bus, subject: string, data: string, timeoutMs: number): Promise<string> => {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return textOf((await bus.ask(subject, data, Math.max(1, deadline - Date.now()))).data);
    } catch (error) {
      if (!isBusError(error, 'unavailable') || Date.now() + againMs >= deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
};

const againMs = 150;

/** Addresses may hold a user and a password; messages may not. */
export const withoutSecrets = (url: string): string => url.replaceAll(/\/\/[^/@,]*@/g, '//');

const exitOf: Readonly<Partial<Record<ErrorCode, Exit>>> = {
  not_found: exits.notFound,
  conflict: exits.conflict,
  gone: exits.conflict,
  unavailable: exits.unavailable,
};

const refusal = ({ error }: ApiError): CommandError =>
  new CommandError(exitOf[error.code] ?? exits.failed, error.message, {
    code: error.code,
    hint: error.hint,
    fields: error.fields,
  });

export const unreadable = (what: string): CommandError =>
  new CommandError(exits.failed, `The answer to ${what} is not one that this capstan understands.`, {
    code: 'internal',
    hint: 'Is the coordinator of the same version as this program?',
  });

const asked = (error: unknown, bus: Bus, url: string): unknown => {
  const { namespace } = bus.names;
  if (error instanceof SyntaxError) return unreadable('the request');
  if (isBusError(error, 'too_large')) {
    return new CommandError(exits.failed, 'The request is larger than the server takes.', {
      code: 'too_large',
      hint: 'Send the plan by --plan FILE, which travels beside the request.',
    });
  }
  if (!isBusError(error, 'unavailable')) return error;
  if (!bus.connected()) return unreachable(url, error);
  const hint =
    namespace === 'capstan'
      ? 'Start one with `npm start`, or look into its log if it should be running.'
      : `Is the namespace "${namespace}" right? Start one with \`npm start -- --namespace ${namespace}\`.`;
  return new CommandError(
    exits.unavailable,
    `NATS is there at ${url}, but no coordinator of "${namespace}" answers.`,
    { code: 'unavailable', hint },
    { cause: error },
  );
};

export const unreachable = (url: string, cause: unknown): CommandError =>
  new CommandError(
    exits.unavailable,
    `Nobody answers on ${withoutSecrets(url)}.`,
    {
      code: 'unavailable',
      hint: 'Start Capstan with `npm start`, or say where NATS is with --nats-url or CAPSTAN_NATS_URL.',
    },
    { cause },
  );
