// All policies, in the order in which they are asked; the first that does not allow decides. One file and one line here add one.
import type { OwnPolicy, Settings } from '@capstan/contracts';
import { agentAvailability } from './agent-availability.ts';
import { approval } from './approval.ts';
import { budget } from './budget.ts';
import { maxConcurrentTasks } from './max-concurrent-tasks.ts';
import { ownIssue, ownPolicies } from './own.ts';
import { phaseGate } from './phase-gate.ts';
import type { Policy } from './policy.ts';
import { taskTimeout } from './task-timeout.ts';

export const policies: readonly Policy[] = [
  budget,
  taskTimeout,
  phaseGate,
  agentAvailability,
  approval,
  maxConcurrentTasks,
];

interface InForce {
  readonly policy: Policy;
  readonly mode: 'enforce' | 'check';
}

/** Settings are never changed in place, so what follows from them stays true. */
const known = new WeakMap<Settings, readonly InForce[]>();

/** The policies of an installation: its own are asked before anybody is, or has to wait. */
export const inForce = (settings: Settings): readonly InForce[] => {
  let list = known.get(settings);
  if (list === undefined) {
    const before = policies.indexOf(approval);
    const all = [...policies.slice(0, before), ...ownPolicies(settings), ...policies.slice(before)];
    list = all.flatMap((policy) => {
      const mode = policy.mode?.(settings) ?? 'enforce';
      return mode === 'off' ? [] : [{ policy, mode }];
    });
    known.set(settings, list);
  }
  return list;
};

/** What is wrong with one of the installation's own, or null; asked before any task is taken. */
export const policyIssue = (own: OwnPolicy): string | null =>
  policies.some(({ name }) => name === own.name)
    ? `policy "${own.name}": a policy of Capstan itself has that name; give it another`
    : ownIssue(own);
