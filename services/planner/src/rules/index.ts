// A plan from the words of a task, by rules and without a model. What the rules do:
//   1. A list in the description (numbered, bulleted, `$ ` lines, or a fenced block of commands) is the work, one step an entry, in its order.
//      Text outside of lists is never turned into anything that runs.
//   2. What an entry becomes follows from its words, the first rule of `kinds.ts` that knows it: a command in `code` becomes `shell`, an
//      address to fetch `http`, a pause `wait`, an approval `approval`, a question `input`; what only a person can do is asked of a person.
//   3. An entry that speaks of what can't be taken back (deploy, delete, production, …) has risk `high`, so it waits for an approval.
//   4. Acceptance criteria with a command in `code` are checked by the verifier; those in words are accepted by a person, in a last phase.
//   5. Without a list there is one step: a person is asked to do it, and what they answer is its output.
// So the plan covers each entry once and nothing else, and it never claims that something was done which nobody did.
import type { Submission } from '@capstan/contracts';
import { acceptance } from './acceptance.ts';
import { entriesOf } from './entries.ts';
import { type Draft, stepOf } from './kinds.ts';
import { newIds, quoted } from './words.ts';

const titleMax = 200;
/** A list longer than this is data, and not work for hands. */
const entriesMax = 200;

type Request = Pick<Submission, 'title' | 'description' | 'constraints' | 'acceptance_criteria'>;

export const planByRules = (request: Request, feedback?: unknown): unknown => {
  const idFor = newIds(['work', 'acceptance']);
  const entries = entriesOf(request.description ?? '').slice(0, entriesMax);
  const work: Draft[] = entries.length > 0 ? entries.map(stepOf) : [byHand(request)];
  if (feedback !== undefined && feedback !== null) work.unshift(whatNow(feedback));
  const steps = work.map((draft) => ({
    id: idFor(draft.title),
    phase: 'work',
    ...draft,
    title: quoted(draft.title).slice(0, titleMax),
  }));
  const ordered = steps.map((step, at) => ({
    ...step,
    depends_on: at === 0 ? [] : [(steps[at - 1] as { id: string }).id],
  }));
  const last = acceptance(request, ordered.at(-1)?.id ?? '', idFor);
  return {
    phases: [{ name: 'work' }, ...(last.length > 0 ? [{ name: 'acceptance' }] : [])],
    steps: [...ordered.map((step) => withConstraints(step, request.constraints)), ...last],
  };
};

const byHand = ({ title, description }: Request): Draft => ({
  title: title ?? 'Do the task',
  capability: 'input',
  input: {
    text: quoted(
      [`Please do this, and say what came of it: ${title ?? ''}`, description ?? ''].filter(Boolean).join('\n\n'),
    ),
  },
});

/** An earlier plan did not do, and rules would only make the same again. */
const whatNow = (feedback: unknown): Draft => ({
  title: 'Decide what to do differently',
  capability: 'input',
  input: {
    text: quoted(
      `The last plan did not do: ${typeof feedback === 'string' ? feedback : JSON.stringify(feedback)}\nWhat should be done differently?`,
    ),
  },
});

const withConstraints = <Step extends Draft>(step: Step, constraints: readonly string[] | undefined): Step =>
  constraints?.length && step.capability === 'input'
    ? { ...step, input: { ...step.input, constraints: constraints.map(quoted) } }
    : step;
