// Kills, freezes and cuts, round after round, and audits what is stored after each. `--help` tells what there is.
import { parseArgs } from 'node:util';
import { countsText, newCounts } from './counts.ts';
import { scenarios } from './scenarios/index.ts';
import type { Scenario } from './scenarios/scenario.ts';

const help = `npm run chaos -- [options]

Starts real coordinators, agents and a real nats-server, then kills, freezes and cuts them, round after round, and audits what is stored
after each. Needs nothing but a little space in the temporary folder. Ends with the counts of kills, tasks and violations.

  --minutes N     so long, 10 unless said; a round that has begun is finished
  --seed N        the same dice again; each round says its own
  --only NAME     one scenario: ${scenarios.map(({ name }) => name).join(', ')}

The exit code is 0 where no law was broken, 1 where one was, 2 for a mistake in the options.
`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const mistake = (text: string): never => {
  process.stderr.write(`chaos: ${text} --help tells more.\n`);
  process.exit(2);
};

const optionsOf = () => {
  try {
    return parseArgs({
      options: {
        help: { type: 'boolean', default: false },
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        only: { type: 'string' },
      },
    }).values;
  } catch (error) {
    return mistake((error as Error).message);
  }
};

const given = optionsOf();
if (given.help) {
  say(help);
  process.exit(0);
}
const [minutes, firstSeed] = [Number(given.minutes), Number(given.seed)];
if (!(minutes > 0)) mistake(`--minutes ${given.minutes}: a number above 0 is expected.`);
if (!Number.isInteger(firstSeed)) mistake(`--seed ${given.seed}: a whole number is expected.`);
const chosen = scenarios.filter(({ name }) => given.only === undefined || name === given.only);
if (chosen.length === 0) mistake(`--only ${given.only}: there are ${scenarios.map(({ name }) => name).join(', ')}.`);

/** As often as it weighs, in an order that seldom plays the same twice. */
const bill: Scenario[] = [];
for (let left = 0; left < Math.max(...chosen.map(({ weight }) => weight)); left += 1)
  bill.push(...chosen.filter(({ weight }) => weight > left));

const stormSeconds = 40;
const everyMs = 30_000;
const started = Date.now();
const counts = newCounts();
const elapsed = () => {
  const seconds = Math.round((Date.now() - started) / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
};
const telling = setInterval(() => say(`${elapsed()} ${countsText(counts)}`), everyMs);
say(`for ${minutes} minutes from seed ${firstSeed}: ${chosen.map(({ name }) => name).join(', ')}`);

let failed = 0;
for (let round = 0; Date.now() - started < minutes * 60_000; round += 1) {
  const scenario = bill[round % bill.length] as Scenario;
  const seed = firstSeed + round;
  const again = `npm run chaos -- --only ${scenario.name} --seed ${seed}`;
  try {
    const { violations, skipped } = await scenario.run({ counts, seed, seconds: stormSeconds });
    if (skipped !== undefined) say(`${elapsed()} SKIPPED ${scenario.name}: ${skipped}`);
    if (violations.length === 0) continue;
    failed += 1;
    say(`${elapsed()} BROKEN in ${scenario.name}, seed ${seed} (${again}):`);
    for (const text of violations.slice(0, 20)) say(`  ${text}`);
    if (violations.length > 20) say(`  and ${violations.length - 20} more`);
  } catch (error) {
    failed += 1;
    counts.violations += 1;
    say(`${elapsed()} BROKEN in ${scenario.name}, seed ${seed} (${again}): ${(error as Error).message}`);
  }
}
clearInterval(telling);
say(`${elapsed()} ${countsText(counts)}`);
say(failed === 0 ? 'no law was broken' : `${failed} rounds broke a law`);
process.exit(failed === 0 ? 0 : 1);
