// Who there is to do the work.
import { agentList } from '@capstan/contracts';
import { readBody } from '../doors/read-body.ts';
import { type Endpoint, endpoint } from './endpoint.ts';

const list = endpoint('agent', 'list', async ({ broker }, data) => {
  const { value: asked } = readBody(data, agentList);
  const agents = broker
    .agents()
    .filter((agent) => asked.domain === undefined || agent.domain === asked.domain)
    .filter((agent) => asked.capability === undefined || agent.capabilities.includes(asked.capability))
    .filter((agent) => asked.health === undefined || (agent.health ?? 'ok') === asked.health)
    .toSorted((a, b) => (`${a.queue}.${a.instance}` < `${b.queue}.${b.instance}` ? -1 : 1));
  return { agents: agents.map(({ seen_at, ...agent }) => ({ ...agent, seen_at: new Date(seen_at).toISOString() })) };
});

export const agentEndpoints: readonly Endpoint[] = [list];
