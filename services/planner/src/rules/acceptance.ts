// The end of a plan: what was asked for is checked by commands where it names them, and accepted by a person where it is in words.
import type { Submission } from '@capstan/contracts';
import { quoted } from './words.ts';

interface LastStep {
  readonly id: string;
  readonly title: string;
  readonly phase: string;
  readonly capability: string;
  readonly depends_on: readonly string[];
  readonly input: Readonly<Record<string, unknown>>;
}

export const acceptance = (
  { acceptance_criteria: criteria = [], title }: Pick<Submission, 'acceptance_criteria' | 'title'>,
  after: string,
  idFor: (title: string) => string,
): LastStep[] => {
  const commands = criteria.flatMap((text) => commandIn(text) ?? []);
  const words = criteria.filter((text) => !commandIn(text)).map(quoted);
  const steps: LastStep[] = [];
  if (commands.length > 0) {
    const checks = commands.map(({ name, command }) => ({ name, command, category: 'custom' }));
    const input = { step_id: after, checks, criteria: [] };
    steps.push({
      id: idFor('verify'),
      title: 'Check what was asked for',
      phase: 'acceptance',
      capability: 'verify',
      depends_on: [after],
      input,
    });
  }
  if (words.length > 0) {
    const text = `Is this done as asked${title ? `: ${quoted(title)}` : ''}?\n${words.map((one) => `- ${one}`).join('\n')}`;
    steps.push({
      id: idFor('accept'),
      title: 'Accept what was done',
      phase: 'acceptance',
      capability: 'approval',
      depends_on: [steps[0]?.id ?? after],
      input: { text },
    });
  }
  return steps;
};

const commandIn = (text: string): { name: string; command: string[] } | null => {
  const code = /`([^`]+)`/.exec(text)?.[1]?.trim();
  if (!code || !/^[\w@%+=:,./-]+( +[\w@%+=:,./-]+)+$/.test(code)) return null;
  return { name: quoted(text).slice(0, 200), command: code.split(/ +/) };
};
