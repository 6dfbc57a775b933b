// Dead letters as an operator meets them: docs/dead-letters.md as typed, and the real `nats` command, which must find in the stream what was sent and why.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Guide, withGuide } from './guide.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

test('the page on dead letters works as typed', { timeout: 240_000 }, (t) =>
  withGuide(async ({ page, withoutNats }) => {
    // The first entry is sent by it.
    if (withoutNats !== null) return t.skip(`THE NATS COMMAND IS MISSING: ${withoutNats}`);
    const ran = await page('dead-letters.md');
    const of = (command: string) => ran.find(({ text }) => text.includes(command))?.output ?? assert.fail(command);
    assert.match(of('dlq ls --state dropped'), /malformed/);
    assert.match(of('dlq ls\n'), /retries_exhausted +coordinator.*letters-1\/try/);
    assert.match(of('stream view'), /Dlq-Reason: malformed[\s\S]*this is no JSON[\s\S]*Dlq-Task: letters-1/);
  }),
);

test('the nats command shows it all', { timeout: 240_000 }, (t) =>
  withGuide(async (guide) => {
    if (guide.withoutNats !== null) return t.skip(`THE NATS COMMAND IS MISSING: ${guide.withoutNats}`);
    const { run } = guide;
    const sent = 'größe, and no JSON';
    await run(`nats pub capstan.task.submit.acme '${sent}' -H 'X-Who: me' -H 'Nats-Msg-Id: n1'`);
    await run(
      'bin/capstan submit --wait --task-id shown-1 --title Hopeless --plan examples/plans/hopeless.json || true',
    );
    const ids = await subjects(guide);
    assert.deepEqual(Object.keys(ids).toSorted(), ['malformed', 'retries_exhausted']);

    await t.test('nats stream info', async () => {
      const info = await run('nats stream info CAPSTAN_DLQ');
      for (const line of [
        /Subjects: capstan\.dlq\.>/,
        /Retention: Limits/,
        /Discard Policy: New/,
        /Allows Msg Delete: false/,
        /Allows Purge: false/,
        /Allows Rollups: false/,
        /Messages: 2/,
      ])
        assert.match(info, line);
    });
    await t.test('nats stream get', async () => {
      const text = await run('nats stream get CAPSTAN_DLQ 1');
      assert.ok(text.includes(`\n\n${sent}\n`), 'the body is what was sent');
      const headers = headersIn(text);
      assert.equal(headers.get('Dlq-Id'), ids['malformed']);
      assert.equal(headers.get('Dlq-Sha256'), sha256(sent));
      assert.equal(headers.get('Dlq-Subject'), 'capstan.task.submit.acme');
      assert.equal(headers.get('Dlq-Header-X-Who'), 'me');
      assert.equal(headers.get('Dlq-Header-Nats-Msg-Id'), 'n1');
      assert.ok(!headers.has('Nats-Msg-Id'), 'the server is not told again');
      assert.equal(headers.get('Dlq-Hint'), `Mend the cause, then: capstan dlq redrive ${ids['malformed']}`);
      const order = JSON.parse(
        await run('nats stream get CAPSTAN_ORDERS -S capstan.order.executor.shown-1.try.2 --json'),
      );
      const letter = JSON.parse(await run("nats stream get CAPSTAN_DLQ -S 'capstan.dlq.*.retries_exhausted.*' --json"));
      assert.equal(letter.data, order.data, 'the bytes of the last order');
    });
    await t.test('nats stream view', async () => {
      const text = await run(`script -qec 'nats stream view CAPSTAN_DLQ 10' /dev/null`);
      assert.match(text, /\[1\] Subject: capstan\.dlq\.coordinator\.malformed\./);
      assert.match(text, /größe, and no JSON/);
      assert.match(text, /\[2\] Subject: capstan\.dlq\.coordinator\.retries_exhausted\./);
      assert.match(text, /Dlq-Task: shown-1/);
    });
    await t.test('nats kv get', async () => {
      const task = JSON.parse(await run('nats kv get capstan_tasks shown-1 --raw'));
      assert.deepEqual([task.task_id, task.status, task.steps.try.attempt], ['shown-1', 'failed', 2]);
    });
    await t.test('nats consumer info', async () => {
      const info = await run('nats consumer info CAPSTAN_ORDERS executor');
      assert.match(info, /Filter Subject: capstan\.order\.executor\.>/);
      assert.match(info, /Ack Policy: Explicit/);
      assert.match(info, /Outstanding Acks: 0 out of/);
    });
    await t.test('nats micro ls', async () => {
      assert.match(await run('nats micro ls'), /capstan +│ \d+\.\d+\.\d+/);
      // Of several that are there it shows any one.
      assert.match(await run('nats micro info capstan'), /Subject: capstan\.api\./);
      // The planner answers as well, and has nothing to count.
      const answers = await run(`nats request '$SRV.STATS.capstan' '' --raw --replies 2`);
      const stats = answers
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
      const [{ events, forged, quarantined }] = stats.flatMap(({ endpoints: [first] }) => first.data ?? []);
      assert.ok(events > 0);
      assert.deepEqual([forged, quarantined], [0, 0]);
    });
    await t.test('what is done to it is beside it, and it stays', async () => {
      await run(`bin/capstan dlq drop ${ids['malformed']}`);
      await run('bin/capstan dlq redrive --task shown-1; bin/capstan dlq redrive --reason malformed --dry-run');
      const text = await run('nats stream subjects CAPSTAN_DLQ');
      assert.match(text, new RegExp(`capstan\\.dlq\\.marker\\.closed\\.closed-${ids['malformed']} `));
      assert.match(text, new RegExp(`capstan\\.dlq\\.marker\\.sent\\.sent-${ids['retries_exhausted']} `));
      assert.match(await run('nats stream get CAPSTAN_DLQ 1'), /größe, and no JSON/);
      assert.match(await run('nats stream purge CAPSTAN_DLQ --force 2>&1 || true'), /not permitted|denied|error/i);
      assert.match(await run('nats stream rmm CAPSTAN_DLQ 1 --force 2>&1 || true'), /not permitted|denied|error/i);
    });
  }),
);

/** Ids by reason, as `nats stream subjects` lists them. */
const subjects = async ({ run }: Guide): Promise<Record<string, string>> => {
  const text = await run('nats stream subjects CAPSTAN_DLQ');
  return Object.fromEntries(
    [...text.matchAll(/capstan\.dlq\.coordinator\.([a-z_]+)\.([0-9a-f]{20}) +│ 1 /g)].map(([, reason, id]) => [
      reason as string,
      id as string,
    ]),
  );
};

const headersIn = (text: string): Map<string, string> =>
  new Map(
    [...text.matchAll(/^ {2}([A-Za-z0-9-]+): (.*)$/gm)].map(([, name, value]) => [name as string, value as string]),
  );
