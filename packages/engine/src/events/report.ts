// An agent says what came of an attempt. The first report of an attempt counts; a late, stale or foreign one changes nothing.
import {
  type Event,
  type Failure,
  type Finding,
  limits,
  type Report,
  type Thresholds,
  thresholds,
  verifyOutput,
} from '@capstan/contracts';
import { approversOf } from '../approved.ts';
import { ask } from '../ask.ts';
import { noteStepsBelow } from '../budget.ts';
import { advance } from '../dispatch.ts';
import { change, type Draft, disarm, end, idIn, ignore, isStopping, specIn } from '../draft.ts';
import { decideFailure, failForGood } from '../fail.ts';
import { shortened } from '../failure-mode.ts';
import { findingId } from '../finding-id.ts';
import { fitting } from '../fitting.ts';
import { sha256 } from '../hash.ts';
import { addSteps } from '../grow.ts';
import { slotOf } from '../plan/shape.ts';
import { note as noteDenial } from '../policies/note.ts';
import { takeNewPlan } from '../replan.ts';
import { isReplanStep } from '../replanning.ts';
import { newStep } from '../state.ts';
import { checkedSteps, takePlan } from './growth.ts';
import { planStepId } from './submitted.ts';

type Reported = Extract<Event, { kind: 'report' }>;

export const reported = (draft: Draft, event: Reported): void => {
  const slot = slotOf(draft.task.shape, event.step);
  if (slot < 0) return ignore(draft, `no step is named "${event.step}"`);
  const step = draft.steps.read(slot);
  if (step.status !== 'running' || step.attempt !== event.attempt) {
    return ignore(
      draft,
      `attempt ${event.attempt} of "${event.step}" is not the one that runs (${step.status}, attempt ${step.attempt})`,
    );
  }
  const report = event.keepAt === undefined ? event.report : lightened(draft, event.report, event.keepAt);
  if (report.task_id !== draft.task.taskId || report.step_id !== event.step || report.attempt !== event.attempt) {
    return ignore(draft, `the report says that it is about ${report.task_id}.${report.step_id}.${report.attempt}`);
  }
  const fits = fitting(draft, slot, report);
  note(draft, slot, fits);
  accept(draft, slot, fits);
};

/** An output that no record can hold is kept elsewhere, whether its agent thought of that or not. */
const lightened = (draft: Draft, report: Report, ref: string): Report => {
  const data = JSON.stringify(report.output ?? null);
  const size = Buffer.byteLength(data);
  if (size <= limits.outputInlineBytesMax) return report;
  draft.effects.push({ kind: 'keep', ref, data });
  return { ...report, output: { $ref: ref, size, sha256: sha256(data) } };
};

/** What every report adds, whatever its outcome. */
const note = (draft: Draft, slot: number, report: Report): void => {
  disarm(draft, slot);
  const step = draft.steps.read(slot);
  const found = countFindings(draft, slot, report.findings);
  const failure = report.outcome === 'failed' ? failureOf(report) : null;
  const last = step.attempts[step.attempts.length - 1];
  const attempts = step.attempts.slice(0, -1);
  if (last !== undefined) {
    attempts.push({
      ...last,
      agent: report.agent,
      finishedAt: draft.at,
      outcome: report.outcome,
      error: brief(failure),
    });
  }
  const artifacts = report.artifacts?.map((artifact) => ({ ...artifact, attempt: step.attempt })) ?? [];
  // A check adds to what it checks; another try begins anew.
  const before = step.stage === 'verify' ? step : newStep;
  change(draft, slot, {
    agent: report.agent,
    waitingFor: null,
    findings: added(before.findings, found),
    artifacts:
      artifacts.length + before.artifacts.length === 0 ? newStep.artifacts : [...before.artifacts, ...artifacts],
    attempts,
  });
  const { task } = draft;
  noteStepsBelow(draft, slot, report.usage);
  if (report.usage !== undefined) task.usage = addUsage(task.usage, report.usage);
  if (found !== newStep.findings) task.findings = added(task.findings, found);
};

/** Of what came before, the code and the gist are enough: twenty attempts are kept of every step. */
const brief = (failure: Failure | null): Failure | null =>
  failure === null ? null : { code: failure.code, message: shortened(failure.message) };

const addUsage = (usage: Draft['task']['usage'], more: NonNullable<Report['usage']>): Draft['task']['usage'] => ({
  tokensIn: usage.tokensIn + (more.tokens_in ?? 0),
  tokensOut: usage.tokensOut + (more.tokens_out ?? 0),
  wallMs: usage.wallMs + (more.wall_ms ?? 0),
});

const accept = (draft: Draft, slot: number, report: Report): void => {
  const { stage } = draft.steps.read(slot);
  switch (report.outcome) {
    case 'succeeded':
      return succeeded(draft, slot, report);
    case 'failed':
      // A verifier that fails has not said that the work is bad: it could not look.
      return decideFailure(draft, slot, failureOf(report), stage);
    case 'question':
      return questioned(draft, slot, report);
    case 'cancelled':
      return decideFailure(
        draft,
        slot,
        { code: 'cancelled', message: 'The agent stopped without being asked to.' },
        stage,
      );
    default:
      return report.outcome satisfies never;
  }
};

/** Of a long message the beginning: the whole of it is in the log, and a record must fit into a message. */
const failureOf = (report: Report): Failure => {
  const { error } = report;
  if (error === undefined) return { code: 'unknown', message: 'The agent gave no reason.' };
  return error.message.length > messageMax
    ? { ...error, message: `${error.message.slice(0, messageMax - 1)}…` }
    : error;
};

const succeeded = (draft: Draft, slot: number, report: Report): void => {
  const step = draft.steps.read(slot);
  const spec = specIn(draft, slot);
  const looked = step.stage === 'verify' || spec.step.capability === 'verify';
  const over = overThresholds(draft, step.findings, looked ? thresholdsIn(report) : undefined);
  if (over !== null && over.act !== 'warn') return tooMany(draft, slot, over);
  if (over !== null)
    noteDenial(draft, 'thresholds', 'check', idIn(draft, slot), spec.step.phase ?? null, { reason: over.text });
  if (step.stage === 'verify') return verified(draft, slot, report);
  if (spec.step.id === planStepId) return takePlan(draft, slot, report);
  if (isReplanStep(spec.step.id)) return takeNewPlan(draft, slot, report);
  const growth = spec.internal || report.add_steps === undefined ? null : checkedSteps(draft, report.add_steps);
  if (growth !== null && growth.issue !== null) {
    return decideFailure(draft, slot, { code: 'invalid_steps', message: growth.issue });
  }
  if (growth !== null && growth.steps.length > 0) addSteps(draft, growth.steps, report.agent);
  const output = report.output ?? {};
  const wantsCheck = (spec.step.verify?.length ?? 0) + (spec.step.criteria?.length ?? 0) > 0;
  if (!wantsCheck || isStopping(draft, spec)) return end(draft, slot, 'succeeded', { output, error: null });
  change(draft, slot, { output, stage: 'verify' });
  advance(draft, slot);
};

const thresholdsIn = ({ output }: Report): Thresholds | undefined => {
  const said = thresholds.safeParse(isObject(output) ? output['thresholds'] : undefined);
  return said.success ? said.data : undefined;
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Doing it again would find the same. */
const tooMany = (draft: Draft, slot: number, { act, text }: Over): void => {
  const failure: Failure = { code: 'too_many_findings', message: text, retryable: false };
  if (act === 'abort' && !isStopping(draft, specIn(draft, slot)))
    return failForGood(draft, slot, failure, 'not_retryable');
  decideFailure(draft, slot, failure);
};

/** What decides; the rest is for whoever reads it. */
const verdictShape = verifyOutput.pick({ passed: true, checks: true }).partial();

/** What the verifier says of the work. What it finds wanting is done again, with its reasons. */
const verified = (draft: Draft, slot: number, report: Report): void => {
  const verdict = verdictShape.safeParse(report.output ?? {});
  // One that is kept elsewhere, for its size, can't be read here.
  if (!verdict.success || (verdict.data.passed === undefined && verdict.data['$ref'] !== undefined)) {
    return decideFailure(draft, slot, { code: 'invalid_report', message: 'The verifier gave no verdict.' }, 'verify');
  }
  if (verdict.data.passed !== false) return end(draft, slot, 'succeeded', { error: null });
  const failed = verdict.data.checks?.filter((check) => !check.passed) ?? [];
  const words = failed.map(({ name, message }) => (message === undefined ? name : `${name}: ${message}`)).join('; ');
  decideFailure(draft, slot, {
    code: 'verification_failed',
    message: (words || 'The check did not pass.').slice(0, messageMax),
  });
};

const messageMax = 4_096;

const questioned = (draft: Draft, slot: number, report: Report): void => {
  const { question } = report;
  const { stage, tries, attempt } = draft.steps.read(slot);
  const spec = specIn(draft, slot);
  if (isStopping(draft, spec)) return end(draft, slot, 'cancelled');
  const issue =
    question === undefined
      ? 'The outcome is "question", but no question came with it.'
      : stage === 'verify' || spec.errand
        ? 'Only work on a step may ask.'
        : null;
  if (question === undefined || issue !== null)
    return decideFailure(draft, slot, { code: 'invalid_report', message: issue ?? '' }, stage);
  // Being answered uses up none of the attempts that failures may use.
  change(draft, slot, { tries: tries - 1, left: question.state ?? null, answer: null });
  ask(draft, slot, {
    kind: 'question',
    text: question.text,
    ...approversOf(draft, slot),
    expiresMs: question.expires_ms ?? limits.questionExpiresMs,
    inputHash: sha256(`${idIn(draft, slot)} ${attempt}`),
    details: null,
    ...(question.schema === undefined ? {} : { schema: question.schema }),
  });
};

type Findings = readonly [major: number, medium: number, minor: number];

const added = (some: Findings, more: Findings): Findings =>
  more === newStep.findings ? some : [some[0] + more[0], some[1] + more[1], some[2] + more[2]];

/** Without those that somebody has dealt with. */
const countFindings = (draft: Draft, slot: number, all: readonly Finding[] | undefined): Findings => {
  if (all === undefined || all.length === 0) return newStep.findings;
  const { resolved, taskId } = draft.task;
  const step = idIn(draft, slot);
  const findings = resolved.length === 0 ? all : all.filter((one) => !resolved.includes(findingId(taskId, step, one)));
  if (findings.length === 0) return newStep.findings;
  const count = (severity: Finding['severity']) => findings.filter((finding) => finding.severity === severity).length;
  return [count('major'), count('medium'), count('minor')];
};

/** What the plan, the task and the repository allow; of those that it is too many for, the sternest decides. */
const overThresholds = (draft: Draft, found: Findings, more: Thresholds | undefined): Over | null => {
  const { plan, request } = draft.task;
  if (found === newStep.findings) return null;
  const isSaid = plan?.thresholds !== undefined || request.thresholds !== undefined;
  const over = [
    ...(isSaid ? excess({ ...plan?.thresholds, ...request.thresholds }, found) : []),
    ...(more === undefined ? [] : excess(more, found)),
  ];
  if (over.length === 0) return null;
  const act = (['abort', 'ask', 'warn'] as const).find((one) => over.some((each) => each.act === one)) ?? 'ask';
  return { act, text: [...new Set(over.map(({ text }) => text))].join('; ') };
};

interface Over {
  readonly act: 'ask' | 'abort' | 'warn';
  readonly text: string;
}

const excess = (said: Thresholds, found: Findings): Over[] =>
  (['major', 'medium', 'minor'] as const).flatMap((severity, at) => {
    const most = said[`max_${severity}`];
    if (most === undefined || (found[at] as number) <= most) return [];
    const act = (typeof said.over === 'object' ? said.over[severity] : said.over) ?? 'ask';
    return [{ act, text: `${found[at]} ${severity} findings, at most ${most} allowed` }];
  });
