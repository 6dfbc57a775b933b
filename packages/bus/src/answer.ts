// What an answer becomes on the wire, over NATS and in memory alike.
import type { Answer } from './port.ts';

/** An error is told in headers too, so that a client need not read the body; on one line. */
export const answerHeaders = ({ error }: Answer): Record<string, string> =>
  error
    ? {
        'Nats-Service-Error': error.message.replaceAll(/[\s\0]+/g, ' ').slice(0, 512),
        'Nats-Service-Error-Code': String(error.code),
      }
    : {};

/** For what a handler threw: what it was is not the asker's business. */
export const brokenInside: Answer = {
  data: JSON.stringify({
    error: { code: 'internal', message: 'Something went wrong inside.', hint: 'The log of the service says what.' },
  }),
  error: { code: 500, message: 'Something went wrong inside.' },
};
