// What of a report a record has no room for. An output is kept elsewhere by itself; a list of artifacts and what a question leaves behind are not, so that an
// agent hears of it instead of its task standing still.
import { type Failure, limits, type Report } from '@capstan/contracts';
import type { Draft } from './draft.ts';
import { pageSize } from './paged.ts';

const reportsFit = 3;

/** The report as it may be noted: one that has too much fails for good, and says so. */
export const fitting = (draft: Draft, slot: number, report: Report): Report => {
  if (draft.task.rules < reportsFit) return report;
  const { artifacts: _, question: __, ...rest } = report;
  const question = report.outcome === 'question' ? questionIssue(report) : null;
  if (question !== null) return { ...rest, ...failed(question) };
  const issue = artifactsIssue(draft, slot, report);
  if (issue === null) return report;
  // How it ended otherwise says more than that.
  return report.outcome === 'succeeded' || report.outcome === 'question'
    ? { ...rest, ...failed(issue) }
    : { ...rest, ...(report.question === undefined ? {} : { question: report.question }) };
};

const failed = (message: string): { outcome: 'failed'; error: Failure } => ({
  outcome: 'failed',
  error: { code: 'too_large', message, retryable: false },
});

const questionIssue = ({ question }: Report): string | null => {
  const bytes = bytesOf(question?.state) + bytesOf(question?.schema);
  return bytes <= limits.questionBytesMax
    ? null
    : `The state and the schema of the question have ${bytes} bytes; at most ${limits.questionBytesMax} are kept. Put the state into an artifact, and its name here.`;
};

/** Counted with those of the steps that share its page; a share of that is each step's own, whatever the others have. */
const artifactsIssue = (draft: Draft, slot: number, { artifacts }: Report): string | null => {
  if (artifacts === undefined) return null;
  const own = bytesOf(artifacts);
  if (own <= limits.artifactsPageBytesMax / pageSize) return null;
  const from = slot - (slot % pageSize);
  let all = own;
  for (let other = from; other < Math.min(from + pageSize, draft.task.shape.slots); other += 1) {
    const known = draft.steps.read(other).artifacts;
    if (known.length > 0 && (other !== slot || draft.steps.read(slot).stage === 'verify')) all += bytesOf(known);
  }
  return all <= limits.artifactsPageBytesMax
    ? null
    : `The list of ${artifacts.length} artifacts has ${own} bytes, ${all} with those of the steps beside it; at most ${limits.artifactsPageBytesMax} are kept. Pack many files into one.`;
};

const bytesOf = (value: unknown): number => (value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value)));
