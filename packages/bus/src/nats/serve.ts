// Answers requests as a NATS micro service.
import { Svcm } from '@nats-io/services';
import type { Msg } from 'nats';
import { answerHeaders, brokenInside } from '../answer.ts';
import type { Answer, Running, Service } from '../port.ts';
import type { Line } from './line.ts';
import { headerBytes, headerLines, wireOf } from './wire.ts';

export const serve = async (line: Line, about: Service): Promise<Running> => {
  const { name, version, description, endpoints, counts } = about;
  const service = await new Svcm(line.connection).add({
    ...{ name, version, description, queue: name },
    statsHandler: async ({ subject }) => (subject === endpoints[0]?.subject ? (counts?.() ?? null) : null),
  });
  for (const { name: endpoint, subject, on } of endpoints) {
    service.addEndpoint(endpoint, {
      subject,
      handler: (error, msg) => {
        if (error || !msg.reply) return;
        // A reply subject of the asker's choice would let it say things in our name (the server doesn't check it, 2.15.1).
        if (!isInbox(msg.reply))
          return line.warn(
            `A request on ${msg.subject} asked for its reply on ${msg.reply.slice(0, 160)}; none was sent.`,
          );
        const reply = msg.reply;
        const { msg: inner } = msg as unknown as { msg: Msg };
        void on(wireOf(inner)).then(
          (answer) => respond(line, reply, answer),
          (failure: Error) => {
            line.warn(`A request on ${msg.subject} failed inside: ${failure.stack}`);
            respond(line, reply, brokenInside);
          },
        );
      },
    });
  }
  return { stop: async () => void (await service.stop()) };
};

/** `_INBOX`, an inbox of one user (`_INBOX_alice`), or what the server makes of one across accounts. */
export const isInbox = (reply: string): boolean => /^(_INBOX[._]|_R_\.)/.test(reply);

const respond = (line: Line, reply: string, answer: Answer): void => {
  if (line.connection.isClosed()) return;
  const lines = headerLines(answerHeaders(answer));
  try {
    line.outgoing.publish(reply, answer.data, lines ? headerBytes(lines) : undefined);
  } catch (failure) {
    line.warn(`An answer could not be sent: ${(failure as Error).message}`);
  }
};
