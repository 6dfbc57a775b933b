// An agent says what came of an attempt. The first report of an attempt counts; a late, stale or foreign one changes nothing.
import { type Event, type Failure, type Finding, limits, type Report, type Thresholds } from '@capstan/contracts';
import { ask } from '../ask.ts';
import { advance } from '../dispatch.ts';
import { change, type Draft, disarm, end, idIn, ignore, specIn } from '../draft.ts';
import { decideFailure } from '../fail.ts';
import { sha256 } from '../hash.ts';
import { slotOf } from '../plan/shape.ts';
import { checkedSteps, takeAdded, takePlan } from './growth.ts';
import { planStepId } from './submitted.ts';

type Reported = Extract<Event, { kind: 'report' }>;

export const reported = (draft: Draft, event: Reported): void => {
  const slot = slotOf(draft.task.shape, event.step);
  if (slot < 0) return ignore(draft, `no step is named "${event.step}"`);
  const step = draft.steps.read(slot);
  if (step.status !== 'running' || step.attempt !== event.attempt) {
    return ignore(draft, `attempt ${event.attempt} of "${event.step}" is not the one that runs (${step.status}, attempt ${step.attempt})`);
  }
  const { report } = event;
  if (report.task_id !== draft.task.taskId || report.step_id !== event.step || report.attempt !== event.attempt) {
    return ignore(draft, `the report says that it is about ${report.task_id}.${report.step_id}.${report.attempt}`);
  }
  note(draft, slot, report);
  accept(draft, slot, report);
};

/** What every report adds, whatever its outcome. */
const note = (draft: Draft, slot: number, report: Report): void => {
  disarm(draft, slot);
  const step = draft.steps.read(slot);
  const found = countFindings(report.findings ?? []);
  const last = step.attempts[step.attempts.length - 1];
  const failure = report.outcome === 'failed' ? failureOf(report) : null;
  change(draft, slot, {
    agent: report.agent,
    waitingFor: null,
    findings: found,
    ...(report.artifacts === undefined ? {} : { artifacts: report.artifacts }),
    attempts: last === undefined ? [] : [...step.attempts.slice(0, -1), { ...last, agent: report.agent, finishedAt: draft.at, outcome: report.outcome, error: failure }],
  });
  const { task } = draft;
  const { usage } = report;
  if (usage !== undefined) {
    task.usage = {
      tokensIn: task.usage.tokensIn + (usage.tokens_in ?? 0),
      tokensOut: task.usage.tokensOut + (usage.tokens_out ?? 0),
      wallMs: task.usage.wallMs + (usage.wall_ms ?? 0),
    };
  }
  if (found[0] + found[1] + found[2] > 0) task.findings = [task.findings[0] + found[0], task.findings[1] + found[1], task.findings[2] + found[2]];
};

const accept = (draft: Draft, slot: number, report: Report): void => {
  switch (report.outcome) {
    case 'succeeded':
      return succeeded(draft, slot, report);
    case 'failed':
      return decideFailure(draft, slot, failureOf(report));
    case 'question':
      return questioned(draft, slot, report);
    case 'cancelled':
      if (draft.task.ending !== null && !specIn(draft, slot).errand) return end(draft, slot, 'cancelled');
      return decideFailure(draft, slot, { code: 'cancelled', message: 'The agent stopped without being asked to.' });
    default:
      return report.outcome satisfies never;
  }
};

const failureOf = (report: Report): Failure => report.error ?? { code: 'unknown', message: 'The agent gave no reason.' };

const succeeded = (draft: Draft, slot: number, report: Report): void => {
  const step = draft.steps.read(slot);
  const spec = specIn(draft, slot);
  const tooMuch = overThresholds(draft, step.findings);
  if (tooMuch !== null) return decideFailure(draft, slot, { code: 'too_many_findings', message: tooMuch, retryable: false });
  if (step.stage === 'verify') return end(draft, slot, 'succeeded', { error: null });
  if (spec.step.id === planStepId) return takePlan(draft, slot, report);
  if (report.add_steps !== undefined && report.add_steps.length > 0) {
    const checked = checkedSteps(draft, report.add_steps);
    if ('issue' in checked) return decideFailure(draft, slot, { code: 'invalid_steps', message: checked.issue });
    takeAdded(draft, checked.steps, report.agent);
  }
  const output = report.output ?? {};
  const wantsCheck = (spec.step.verify?.length ?? 0) + (spec.step.criteria?.length ?? 0) > 0;
  if (!wantsCheck || draft.task.ending !== null) return end(draft, slot, 'succeeded', { output, error: null });
  change(draft, slot, { output, stage: 'verify' });
  advance(draft, slot);
};

const questioned = (draft: Draft, slot: number, report: Report): void => {
  const { question } = report;
  if (question === undefined) return decideFailure(draft, slot, { code: 'invalid_report', message: 'The outcome is "question", but no question came with it.' });
  if (draft.task.ending !== null) return end(draft, slot, 'cancelled');
  const step = draft.steps.read(slot);
  // Being answered uses up none of the attempts that failures may use.
  change(draft, slot, { tries: step.tries - 1, left: question.state ?? null, answer: null });
  ask(draft, slot, {
    kind: 'question', text: question.text, roles: [], expiresMs: question.expires_ms ?? limits.questionExpiresMs,
    inputHash: sha256(`${idIn(draft, slot)} ${step.attempt}`), details: null,
    ...(question.schema === undefined ? {} : { schema: question.schema }),
  });
};

const countFindings = (findings: readonly Finding[]): [number, number, number] => {
  const count = (severity: Finding['severity']) => findings.filter((finding) => finding.severity === severity).length;
  return findings.length === 0 ? [0, 0, 0] : [count('major'), count('medium'), count('minor')];
};

const overThresholds = (draft: Draft, found: readonly [number, number, number]): string | null => {
  const said: Thresholds = { ...draft.task.plan?.thresholds, ...draft.task.request.thresholds };
  const over = (['major', 'medium', 'minor'] as const).flatMap((severity, at) => {
    const most = said[`max_${severity}`];
    return most !== undefined && (found[at] as number) > most ? [`${found[at]} ${severity} findings, at most ${most} allowed`] : [];
  });
  return over.length === 0 ? null : over.join('; ');
};

