// The admission of a task, the same for every door: it is checked in whole, then said once under its id. After that it can't be lost.
import { canonical, sha256 } from '@capstan/bus';
import {
  idPattern,
  type Plan,
  type Step,
  submission,
  type Submission,
  type SubmittedBody,
  type Submitted,
  step as stepSchema,
} from '@capstan/contracts';
import { nearest } from '@capstan/kit';
import { checkPlan, dependenciesIssue } from '@capstan/engine';
import type { Broker } from '../broker.ts';
import { saySubmitted } from '../say-submitted.ts';
import { submissionOf } from '../submission-of.ts';
import type { World } from '../world.ts';
import { fetchPlan, keepPlan } from './fetch-plan.ts';
import { mustHaveQuota } from './quota.ts';
import { readBody } from './read-body.ts';
import { firstIssue, Refusal } from './refusal.ts';
import { mustHaveRoom } from './room.ts';

export interface Admission {
  readonly data: Uint8Array;
  /** The tenant that the subject names; it wins. */
  readonly tenant?: string | undefined;
  /** The id of a task that brings none: the same for the same message, so that its redelivery makes no second task. */
  readonly madeUpId: string;
  /** Actors that are to hear when it ends. */
  readonly listeners?: readonly string[];
}

export type Admit = (admission: Admission) => Promise<Submitted & { readonly seq: number }>;

export const admission =
  (world: World, broker: Broker, settingsHash: string): Admit =>
  async ({ data, tenant, madeUpId, listeners }) => {
    const { value: request, raw } = readBody(data, submission);
    if (tenant !== undefined && !idPattern.test(tenant))
      throw new Refusal('invalid', `The subject ends in "${tenant.slice(0, 64)}", which is no name of a tenant.`, {
        fields: [{ path: 'tenant', issue: 'must be an id' }],
      });
    if (tenant !== undefined && request.tenant !== undefined && request.tenant !== tenant) {
      throw new Refusal('forbidden', `The subject says tenant "${tenant}" and the body says "${request.tenant}".`, {
        fields: [{ path: 'tenant', issue: `must be "${tenant}" or be left out` }],
      });
    }
    const { plan, plan_ref: planRef, ...rest } = request;
    const said: Submission = {
      ...rest,
      tenant: tenant ?? request.tenant ?? 'default',
      requester: request.requester ?? requesterIn(request),
    };
    if (said.requester === undefined) delete said.requester;
    wantsOneGoal(request);
    mustKnow(broker, request.template?.name);

    const found = planRef === undefined ? null : await fetchPlan(world, planRef);
    const whole = plan ?? found?.plan ?? null;
    if (whole !== null) mustRun(whole, said);
    const capabilities = whole === null ? new Set(['plan']) : capabilitiesOf(whole);
    const warnings = warningsOf(capabilities, broker);
    if (request.strict === true && warnings.length > 0)
      throw new Refusal('invalid', warnings[0] as string, {
        hint: 'Start such an agent, or leave "strict" out.',
        fields: missingFields(whole, broker),
      });

    warnings.push(...misspelt(raw));
    const leave = await mustHaveRoom(world, data.length);
    const taskId = request.task_id ?? madeUpId;
    await mustHaveQuota(world, taskId, said);
    const hash = sha256(canonical({ ...raw, v: 1, tenant: said.tenant }));
    const body: SubmittedBody = {
      v: 1,
      key: world.ring.current,
      rules: world.membership.rules,
      hash,
      request: { ...said, task_id: taskId },
      ...(plan === undefined ? {} : { plan }),
      ...(found === null ? {} : { plan_ref: await keepPlan(world, taskId, found) }),
      settings: settingsHash,
      routes: broker.routesFor(capabilities),
      ...broker.risksFor(capabilities),
      ...(listeners === undefined ? {} : { listeners: [...listeners] }),
    };
    const { again, seq } = await saySubmitted(world, taskId, body).finally(leave);
    if (!again)
      return {
        task_id: taskId,
        status: whole === null ? 'planning' : request.start === false ? 'planned' : 'running',
        created: true,
        warnings,
        seq,
      };

    const before = await submissionOf(world, taskId);
    if (before?.body.hash !== hash) {
      throw new Refusal('conflict', `Task "${taskId}" exists already, with another content.`, {
        hint: 'Submit it under another task_id, or send the very same body to get its status.',
        fields: [{ path: 'task_id', issue: 'names a task that was submitted with another body' }],
      });
    }
    return { task_id: taskId, status: 'running', created: false, warnings, seq: 0 };
  };

/** As many as a person reads; each costs a search for the nearest name, and the answer must fit a message. */
const warningsMax = 20;

const warningsOf = (capabilities: ReadonlySet<string>, broker: Broker): string[] => {
  const warnings: string[] = [];
  for (const capability of capabilities) {
    if (broker.offers(capability)) continue;
    if (warnings.length === warningsMax) return [...warnings, 'Steps of further capabilities will be blocked too.'];
    warnings.push(`Steps of capability "${capability}" will be blocked: ${broker.missing(capability)}.`);
  }
  return warnings;
};

const requesterIn = (request: Submission): string | undefined => {
  const requester = request.metadata?.['requester'];
  return typeof requester === 'string' && requester.length > 0 ? requester.slice(0, 256) : undefined;
};

const wantsOneGoal = (request: Submission): void => {
  const said = (['plan', 'plan_ref', 'template'] as const).filter((name) => request[name] !== undefined);
  if (said.length > 1)
    throw new Refusal('invalid', `A task has one of plan, plan_ref and template; this one has ${said.join(' and ')}.`, {
      fields: said.map((path) => ({ path, issue: 'is one of several; keep one' })),
    });
  if (said.length === 0 && request.title === undefined) {
    throw new Refusal(
      'invalid',
      'There is nothing to do: a task needs a plan, a plan_ref, a template, or a title to plan from.',
      { fields: [{ path: 'title', issue: 'is missing, and so are plan, plan_ref and template' }] },
    );
  }
};

const mustKnow = (broker: Broker, template: string | undefined): void => {
  const known = template === undefined ? null : broker.templates();
  if (template === undefined || known === null || known.has(template)) return;
  const near = nearest(template, [...known]);
  const meant = near === null ? '' : ` Did you mean "${near}"?`;
  throw new Refusal('invalid', `There is no template "${template}".${meant}`, {
    hint: `There are ${[...known].toSorted().slice(0, 20).join(', ')}.`,
    fields: [{ path: 'template.name', issue: `names no template${near === null ? '' : `; was "${near}" meant?`}` }],
  });
};

const mustRun = (plan: Plan, request: Submission): void => {
  const { issues, cycle } = checkPlan(plan, {
    ...(request.checkpoints === undefined ? {} : { checkpoints: request.checkpoints }),
    ...(request.budget?.steps === undefined ? {} : { stepsMax: request.budget.steps }),
  });
  const tooMany = issues.length === 0 ? dependenciesIssue(plan) : null;
  if (tooMany !== null) throw new Refusal('too_large', firstIssue([tooMany]), { fields: [tooMany] });
  if (issues.length === 0) return;
  const [first] = issues;
  const code = first?.issue.includes('at most') && first.path === 'plan.steps' ? 'too_large' : 'invalid';
  if (cycle === null) throw new Refusal(code, firstIssue(issues), { fields: issues });
  const named = brief(cycle);
  throw new Refusal(code, `The plan has a cycle: ${named}.`, {
    fields: issues.map((field) => ({ ...field, issue: `is part of a cycle: ${named}` })),
  });
};

/** A long cycle is told by its beginning and its end. */
const brief = (cycle: readonly string[]): string =>
  (cycle.length <= cycleShownMax
    ? cycle
    : [...cycle.slice(0, cycleShownMax - 2), `${cycle.length - cycleShownMax} more`, ...cycle.slice(-2)]
  ).join(' → ');
const cycleShownMax = 12;

/** What the steps want to be done by agents, undoing and checking included; a person is no agent, nor is another task. */
export const capabilitiesOf = (plan: Plan): Set<string> => {
  const wanted = new Set<string>();
  for (const step of plan.steps) {
    for (const name of wantedBy(step)) wanted.add(name);
  }
  return wanted;
};

const wantedBy = (step: Step): string[] => [
  ...[step.capability, ...(step.undo === undefined ? [] : [step.undo.capability])].filter((name) => !ownWork.has(name)),
  ...((step.verify?.length ?? 0) + (step.criteria?.length ?? 0) > 0 ? ['verify'] : []),
];

/** Done by Capstan itself. */
const ownWork = new Set(['approval', 'input', 'task']);

const missingFields = (plan: Plan | null, broker: Broker) =>
  (plan?.steps ?? [])
    .slice(0, 1_000)
    .flatMap((step, at) => {
      const issue = wantedBy(step)
        .map((name) => broker.missing(name))
        .find((text) => text !== null);
      return issue === undefined || issue === null ? [] : [{ path: `plan.steps[${at}].capability`, issue }];
    })
    .slice(0, 20);

/** Unknown fields are let be, as the contract has it; but one that is nearly a known one was probably meant to be that. */
const misspelt = (raw: Record<string, unknown>): string[] => {
  const found = misspeltIn(raw, Object.keys(submission.shape), '');
  const steps = (raw['plan'] as { steps?: unknown } | undefined)?.steps;
  if (!Array.isArray(steps)) return found;
  for (const [at, one] of steps.slice(0, 1_000).entries()) {
    if (found.length >= misspeltMax) break;
    found.push(...misspeltIn(one as Record<string, unknown>, Object.keys(stepSchema.shape), `plan.steps[${at}].`));
  }
  return found.slice(0, misspeltMax);
};

const misspeltMax = 10;

const misspeltIn = (value: Record<string, unknown>, known: readonly string[], path: string): string[] =>
  Object.keys(value).flatMap((name) => {
    if (known.includes(name) || name.length > 64) return [];
    const same = known.find((other) => other.replaceAll('_', '') === name.replaceAll(/[_-]/g, '').toLowerCase());
    const meant = same ?? (name.length > 3 ? nearest(name, known) : null);
    return meant === null ? [] : [`${path}${name} is not a field that is known here; was "${meant}" meant?`];
  });
