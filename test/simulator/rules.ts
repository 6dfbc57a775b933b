// Rules of what may be decided, said in the words of the contract and without the engine's help: they stand beside its own laws, so that a
// mistake in both would have to be made twice.
import type { Event } from '@capstan/contracts';
import { judgeOrder } from './policy-rules.ts';
import { type Decision, recordOf, taskEnded, type TaskState } from '@capstan/engine';

/** Whether a person had to approve what somebody is asked about. */
const hasApprovals = (state: TaskState, ask: string): boolean =>
  Object.values(recordOf(state, { whole: true }).steps).some(
    (step) =>
      step.intervention === ask && (step['engine'] as { approvals?: unknown } | undefined)?.approvals !== undefined,
  );

/** Says what is wrong with a decision. */
export const judge = (
  before: TaskState | null,
  event: Event,
  { state, effects, ignored }: Decision,
  wrong: (text: string) => void,
): void => {
  if (state === null) return;
  const { taskId, request, settings } = state;
  const about = `${taskId} (${event.seq})`;

  if (event.kind === 'decided' && ignored === null && before !== null && before.rules >= 3) {
    const ask = before.asks[event.id];
    // A step that is a question itself says who answers it; approved was that it is asked.
    const isOfWork = ask !== undefined && ask.attempt > 0;
    const isGuarded = ask?.kind === 'approval' || (isOfWork && hasApprovals(before, ask.id));
    if (settings.approval.four_eyes && isGuarded && event.body.by === request.requester)
      wrong(`${about}: ${event.body.by} asked for the task and decided how a step goes on that needed approval`);
  }
  if (event.kind === 'decided' && event.body.decision === 'approve' && ignored === null) {
    const ask = before?.asks[event.id];
    if (settings.approval.four_eyes && ask?.kind === 'approval' && event.body.by === request.requester)
      wrong(`${about}: ${event.body.by} asked for the task and approved it`);
    if (ask !== undefined && ask.roles.length > 0 && !ask.roles.includes(event.body.role ?? ''))
      wrong(`${about}: ${event.body.role} approved what only ${ask.roles.join(' or ')} may`);
  }

  if (ignored !== null) return;
  if (state.status === 'failed' && request.on_failure === 'compensate' && !state.compensated)
    wrong(`${about}: it failed, and nothing was undone`);

  const { deadline, budget } = request;
  const isLate = deadline !== undefined && state.at >= Date.parse(deadline);
  if (deadline !== undefined && !isLate && !taskEnded(state.status) && state.ending === null)
    if (!state.timers.some(({ why }) => why === 'deadline'))
      wrong(`${about}: nothing will tell that its deadline is over`);

  const used = state.usage.tokensIn + state.usage.tokensOut;
  for (const effect of effects) {
    if (effect.kind !== 'order' || effect.order.step_id.startsWith('_')) continue;
    const { step_id: step, attempt, capability } = effect.order;
    if (budget?.tokens !== undefined && used >= budget.tokens && capability !== 'verify')
      wrong(`${about}: ${step}.${attempt} is ordered, and all ${budget.tokens} tokens are used up`);
    judgeOrder(state, effect.order, wrong);
  }

  if (state.rules >= 3 && budget?.tokens !== undefined && used >= budget.tokens && state.open > state.verifying)
    if (state.ending === null && !taskEnded(state.status))
      wrong(`${about}: all ${budget.tokens} tokens are used up, and it goes on`);

  const rounds = (request.replan ?? state.plan?.replan)?.max ?? 0;
  if (state.replans > rounds) wrong(`${about}: it was planned anew ${state.replans} times, and may be ${rounds} times`);

  for (const { name, max_loops: most } of state.plan?.phases ?? [])
    if (most !== undefined && (state.loops[name] ?? 0) > most)
      wrong(`${about}: phase ${name} went back ${state.loops[name]} times, and may ${most} times`);
};
