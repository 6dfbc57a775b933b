// The Docker Engine as it is reached from here, with a deadline on every question: the client itself waits for ever where an answer gets lost.
import { retry, Stopped } from '@capstan/kit';
import Docker from 'dockerode';

export interface Engine {
  readonly docker: Docker;
  /** Asks it something. Throws `Stopped` where it can't be reached; what it answers in refusal is thrown as it comes. */
  ask<T>(what: string, question: Promise<T>, withinMs?: number): Promise<T>;
  /** The same, where "it is gone", "it is so already" and "somebody else is at it" are fine. */
  settle(what: string, question: Promise<unknown>): Promise<void>;
}

const answerMs = 60_000;

export const newEngine = (docker: Docker = new Docker()): Engine => {
  const ask = async <T>(what: string, question: Promise<T>, withinMs = answerMs): Promise<T> => {
    const { promise: late, reject: fail } = Promise.withResolvers<never>();
    const limit = setTimeout(() => fail(new Error(`no answer within ${withinMs / 1_000} s`)), withinMs);
    try {
      return await Promise.race([question, late]);
    } catch (error) {
      if (statusOf(error) !== undefined) throw error;
      throw new Stopped(retry('sandbox_unavailable', unreachable(what, error as Error)), { cause: error });
    } finally {
      clearTimeout(limit);
      // Whatever it still says is heard by nobody.
      question.catch(() => {});
    }
  };
  return {
    docker,
    ask,
    settle: async (what, question) => {
      try {
        await ask(what, question);
      } catch (error) {
        if (![304, 404, 409].includes(statusOf(error) ?? 0)) throw error;
      }
    },
  };
};

/** The HTTP status of a refusal by the engine; undefined where it never answered. */
export const statusOf = (error: unknown): number | undefined =>
  typeof error === 'object' && error !== null ? (error as { statusCode?: number }).statusCode : undefined;

/** What the engine said, without what the client puts around it. */
export const saidBy = (error: unknown): string => {
  const said = (error as { json?: { message?: string } }).json?.message ?? (error as Error).message;
  return said.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
};

export const unreachable = (what: string, error: Error): string =>
  `The Docker Engine could not be asked to ${what}: ${error.message || (error as NodeJS.ErrnoException).code}.`;
