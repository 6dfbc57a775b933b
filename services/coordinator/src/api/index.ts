// The request doors: a NATS micro service named after the installation, so that `nats micro ls` shows it.
import { type Answer, isBusError, questionId, type Running } from '@capstan/bus';
import { errorCodes } from '@capstan/contracts';
import { version } from '@capstan/kit';
import { Refusal } from '../doors/refusal.ts';
import { agentEndpoints } from './agent.ts';
import { circuitEndpoints } from './circuit.ts';
import { dlqEndpoints } from './dlq.ts';
import type { ApiContext, Endpoint } from './endpoint.ts';
import { findingEndpoints } from './finding.ts';
import { inboxEndpoints } from './inbox.ts';
import { quarantineEndpoints } from './quarantine.ts';
import { recoverEndpoints } from './recover.ts';
import { scheduleEndpoints } from './schedule.ts';
import { taskEndpoints } from './task.ts';

const endpoints: readonly Endpoint[] = [
  ...taskEndpoints,
  ...recoverEndpoints,
  ...inboxEndpoints,
  ...agentEndpoints,
  ...dlqEndpoints,
  ...circuitEndpoints,
  ...quarantineEndpoints,
  ...scheduleEndpoints,
  ...findingEndpoints,
];

export const serveApi = (context: ApiContext): Promise<Running> => {
  const { world } = context;
  return world.bus.serve({
    name: world.names.namespace,
    version,
    description: 'Capstan: durable multi-agent orchestration',
    counts: () => ({ member: world.member, ...world.counts }),
    endpoints: endpoints.map(({ noun, verb, run }) => ({
      name: `${noun}-${verb}`,
      subject: world.names.api(noun, verb),
      on: async (wire) => {
        try {
          return { data: JSON.stringify(await run(context, wire.data, wire.header(questionId))) };
        } catch (error) {
          return answerTo(world, error);
        }
      },
    })),
  });
};

const answerTo = (world: ApiContext['world'], error: unknown): Answer => {
  const refusal = error instanceof Refusal ? error : unexpected(world, error);
  return {
    data: JSON.stringify(refusal.body),
    error: { code: errorCodes[refusal.code], message: refusal.message.replaceAll(/[\r\n]+/g, ' ').slice(0, 256) },
  };
};

const unexpected = (world: ApiContext['world'], error: unknown): Refusal => {
  if (isBusError(error, 'unavailable') || isBusError(error, 'full'))
    return new Refusal('unavailable', 'It could not be stored just now. Nothing was lost; ask again.');
  world.log.error({ err: error }, 'a request failed unexpectedly');
  return new Refusal('internal', 'Something went wrong in Capstan itself; its log says what.');
};
