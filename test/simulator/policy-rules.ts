// Rules of policies that are in force, for what an installation of the simulator may be set to: see installation.ts.
import type { Order } from '@capstan/contracts';
import { recordOf, type TaskState } from '@capstan/engine';

/** Says what is wrong with an order of a step of the plan; of a check only turns are asked, and Capstan's own steps are judged by nobody. */
export const judgeOrder = (
  state: TaskState,
  order: Pick<Order, 'step_id' | 'attempt' | 'timeout_ms' | 'capability'>,
  wrong: (text: string) => void,
): void => {
  const { policies } = state.settings;
  const name = `${state.taskId}.${order.step_id}.${order.attempt}`;

  const { max_concurrent_tasks: turns, task_timeout: time } = policies;
  if (turns?.mode === 'enforce') {
    const steps = Object.entries(recordOf(state, { whole: true }).steps);
    const running = steps.filter(([id, { status }]) => status === 'running' && !id.startsWith('_')).length;
    if (running > turns.max) wrong(`${name} is the ${running}th step that runs at once, and ${turns.max} may`);
  }
  if (order.capability === 'verify') return;
  if (time?.mode === 'enforce' && (order.timeout_ms ?? 0) > time.max_ms)
    wrong(`${name} may take ${order.timeout_ms} ms, and at most ${time.max_ms} ms are allowed`);

  if (order.capability === 'rare' && !wasApproved(state, order.step_id, 'approval'))
    wrong(`${name} is ordered, and nobody approved it; those who do "rare" things say that it is risky`);

  const own = policies.own.find((policy) => policy.name === 'no-third-attempt');
  if (own?.mode === 'enforce' && order.attempt > 2) wrong(`${name} is ordered in spite of the policy "${own.name}"`);

  const ships = state.plan?.steps.some(({ id, phase }) => id === order.step_id && phase === 'ship') === true;
  const leads = policies.own.find((policy) => policy.name === 'leads-ship');
  if (leads?.mode === 'enforce' && ships && !wasApproved(state, order.step_id, leads.name))
    wrong(`${name} is ordered, and no lead has approved it for the policy "${leads.name}"`);
};

/** As the engine writes it down, since 3 for each policy; where a person was asked before, a plan may say less. */
const wasApproved = (state: TaskState, id: string, policy: string): boolean => {
  const { steps } = recordOf(state, { whole: true });
  const { approved, approvals } = (steps[id]?.['engine'] ?? {}) as {
    approved?: string;
    approvals?: Record<string, unknown>;
  };
  const isSaid = state.rules < 3 ? approved !== undefined : approvals?.[policy] !== undefined;
  return isSaid || (policy === 'approval' && asksBefore(state));
};

const asksBefore = (state: TaskState): boolean =>
  state.plan?.steps.some(({ capability }) => capability === 'approval') === true;
