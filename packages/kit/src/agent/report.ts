// An outcome as the report that Capstan stores: masked, checked, and small enough to travel.
import { decodeAny } from '@capstan/bus';
import { type Artifact, type Finding, limits, type Order, type Report, report } from '@capstan/contracts';
import type { Mask } from '../masking.ts';
import { type Outcome, reject } from '../outcome.ts';
import type { StopReason } from './attempt.ts';
import type { ClaimCheck } from './claim-check.ts';

export interface ReportParts {
  readonly order: Order;
  readonly agent: string;
  readonly outcome: Outcome | StopReason;
  readonly artifacts: readonly Artifact[];
  readonly wallMs: number;
  readonly mask: Mask;
  readonly claims: ClaimCheck;
}

/** Puts what is large into the object store on the way, so it may throw what the bus throws. */
export const composeReport = (parts: ReportParts): string | Promise<string> => plainly(parts) ?? checked(parts);

/** A success with a small output and nothing else is right by its making; so is most of what is reported. */
const plainly = (parts: ReportParts): string | null => {
  const { outcome, mask } = parts;
  if (typeof outcome !== 'object' || outcome.kind !== 'done' || parts.artifacts.length > 0) return null;
  const { output = {}, findings, addSteps, usage } = outcome;
  if ((findings?.length ?? 0) > 0 || addSteps !== undefined || usage !== undefined) return null;
  if (typeof output !== 'object' || output === null) return null;
  try {
    const text = JSON.stringify(output);
    // What is this short can't be too deep either.
    if (text.length > 2 * limits.jsonDepthMax || text.includes('__proto__')) return null;
    const said = mask.json(JSON.parse(text));
    return JSON.stringify({
      ...headOf(parts),
      outcome: 'succeeded',
      output: said,
      usage: { wall_ms: Math.round(parts.wallMs) },
    });
  } catch {
    return null;
  }
};

const checked = async (parts: ReportParts): Promise<string> => {
  const body = await compose(parts);
  const data = JSON.stringify(body);
  const parsed = report.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return plain(
      parts,
      reject('invalid_report', `What the agent gave back is no report: ${issue?.path.join('.')}: ${issue?.message}.`),
    );
  }
  const bytes = Buffer.byteLength(data);
  if (bytes > limits.bodyBytesMax) {
    return plain(
      parts,
      reject('too_large', `The report has ${bytes} bytes; at most ${limits.bodyBytesMax} are taken.`),
    );
  }
  return data;
};

/** A failure in two words always fits and always passes. */
const plain = async (parts: ReportParts, outcome: Outcome): Promise<string> =>
  JSON.stringify(await compose({ ...parts, outcome, artifacts: [] }));

const headOf = ({ order, agent }: ReportParts) => ({
  v: 1 as const,
  task_id: order.task_id,
  step_id: order.step_id,
  attempt: order.attempt,
  lease: order.lease,
  agent,
});

const compose = async (parts: ReportParts): Promise<Report> => {
  const { order, outcome, wallMs, mask } = parts;
  const head = headOf(parts);
  const usage = {
    ...(typeof outcome === 'object' && 'usage' in outcome ? outcome.usage : {}),
    wall_ms: Math.round(wallMs),
  };
  if (outcome === 'timeout') {
    const message =
      order.timeout_ms === undefined
        ? `The attempt was not over by ${order.deadline}.`
        : `The attempt was not over within its ${order.timeout_ms} ms.`;
    return {
      ...head,
      outcome: 'failed',
      error: { code: 'timeout', message, retryable: true },
      artifacts: [...parts.artifacts],
      usage,
    };
  }
  if (outcome === 'cancel' || outcome === 'drain')
    return { ...head, outcome: 'cancelled', artifacts: [...parts.artifacts], usage };
  if (outcome.kind === 'parked') {
    const { text, schema, expiresMs, state } = outcome;
    const question = {
      text: cut(mask.text(text)),
      ...(schema === undefined ? {} : { schema: mask.json(plainJson(schema)) }),
      ...(expiresMs === undefined ? {} : { expires_ms: expiresMs }),
      ...(state === undefined ? {} : { state: mask.json(plainJson(state)) }),
    };
    return { ...head, outcome: 'question', question, usage } as Report;
  }
  const output = await outputOf(outcome.output, parts);
  if (output instanceof Error) return compose({ ...parts, outcome: reject('invalid_output', output.message) });
  const found = await findingsOf(outcome.findings ?? [], parts);
  const artifacts = [...parts.artifacts, ...found.artifacts];
  const common = { artifacts, ...(found.findings.length > 0 ? { findings: found.findings } : {}), usage };
  if (outcome.kind === 'done') {
    const added = outcome.addSteps ? { add_steps: mask.json(plainJson(outcome.addSteps)) } : {};
    return { ...head, outcome: 'succeeded', output: output ?? {}, ...common, ...added } as Report;
  }
  const { code, message, retryable, afterMs } = outcome;
  const error = {
    code: mask.text(code).slice(0, 64),
    message: cut(mask.text(message)),
    retryable,
    ...(afterMs === undefined ? {} : { retry_after_ms: Math.max(0, Math.round(afterMs)) }),
  };
  return { ...head, outcome: 'failed', error, ...(output === undefined ? {} : { output }), ...common } as Report;
};

/** An error where it can't be said in JSON. */
const outputOf = async (output: unknown, { mask, claims }: ReportParts): Promise<unknown> => {
  if (output === undefined) return undefined;
  let value: unknown;
  try {
    value = mask.json(plainJson(output));
  } catch (error) {
    return new Error(`The output can't be said in JSON: ${(error as Error).message}`);
  }
  const data = Buffer.from(JSON.stringify(value));
  if (data.length <= limits.outputInlineBytesMax) return value;
  const { ref, size, sha256 } = await claims.put('output.json', data);
  return { $ref: ref, size, sha256 };
};

/** What JSON makes of a value, with the depth that everybody's bodies keep to. Throws where that is nothing. */
const plainJson = (value: unknown): unknown => {
  const text = JSON.stringify(value);
  if (text === undefined) throw new Error(`it is a ${typeof value}.`);
  const decoded = decodeAny(Buffer.from(text), { bytesMax: outputBytesMax });
  if (!decoded.ok) throw new Error(decoded.message);
  return decoded.value;
};

const outputBytesMax = 256 * 1_024 * 1_024;

/** A report has the worst findings as far as they fit; all of them are in an artifact then. */
const findingsOf = async (
  all: readonly Finding[],
  { mask, claims }: ReportParts,
): Promise<{ findings: Finding[]; artifacts: Artifact[] }> => {
  const findings = mask.json(all) as Finding[];
  if (findings.length === 0 || JSON.stringify(findings).length <= findingsBytesMax) return { findings, artifacts: [] };
  const data = Buffer.from(JSON.stringify(findings));
  const stored = await claims.put('findings.json', data);
  const worst = findings.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
  while (JSON.stringify(worst).length > findingsBytesMax) worst.length = Math.floor(worst.length * 0.8);
  return { findings: worst, artifacts: [{ name: 'findings.json', ...stored }] };
};

const findingsBytesMax = limits.bodyBytesMax / 2;
const severities = ['major', 'medium', 'minor'];

const textMax = 16_000;
const cut = (text: string): string => (text.length > textMax ? `${text.slice(0, textMax)}…` : text);
