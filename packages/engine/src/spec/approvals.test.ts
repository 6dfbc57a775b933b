// Rules: what is risky waits until a person says yes. A yes counts for the plan and the input that were shown, once, and from the right person.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings, type OwnPolicy, ownPolicy } from '@capstan/contracts';
import { given, step } from '../testing.ts';

const deploy = step('deploy', { risk: 'high', input: { to: 'production' } });
/** Policies of the installation's own that want approval. */
const asking = (...some: Partial<OwnPolicy>[]) => {
  const own = some.map((one) => ownPolicy.parse({ deny: 'true', effect: 'approve', ...one }));
  return { settings: { policies: { ...defaultSettings.policies, own } } };
};
const withApproval = (more: object) => ({ approval: { ...defaultSettings.approval, ...more } });

test('a step of high risk is not ordered before it is approved', () => {
  const world = given({ title: 'Release', steps: [deploy] });
  assert.deepEqual(world.orders(), []);
  assert.equal(world.status, 'awaiting_approval');
  const asked = world.intervention('deploy');
  assert.deepEqual(
    [asked.kind, asked.status, asked.risk, asked.title],
    ['approval', 'pending', 'high', 'Release: deploy'],
  );
  assert.deepEqual((asked.details as { input: unknown }).input, { to: 'production' });
  assert.match(world.step('deploy').waiting_for ?? '', /^approval until .*: a step of high risk waits for approval/);
  assert.deepEqual(world.approve('deploy').ordered(), ['deploy.1']);
});

test('other steps go on meanwhile', () => {
  const world = given({ steps: [deploy, step('docs')] });
  assert.deepEqual(world.orders(), ['docs.1']);
  assert.equal(world.status, 'running');
  assert.equal(world.done('docs').status, 'awaiting_approval');
});

test('the plan may ask for approval whatever the risk, of certain roles', () => {
  const world = given({ steps: [step('a', { approval: { roles: ['tech_lead'] } })] });
  world.approve('a', { role: 'intern' });
  assert.match(world.ignored ?? '', /Only tech_lead may decide this; the role given is "intern"/);
  assert.deepEqual(world.approve('a', { role: 'tech_lead' }).ordered(), ['a.1']);
});

test('where the policy says so, whoever asked for the task may not approve it', () => {
  const world = given({ requester: 'alice', settings: withApproval({ four_eyes: true }), steps: [deploy] });
  assert.equal(world.intervention('deploy')['four_eyes'], true);
  assert.match(world.approve('deploy', { by: 'alice' }).ignored ?? '', /Whoever asked for the task/);
  assert.deepEqual(world.approve('deploy', { by: 'bob' }).ordered(), ['deploy.1']);
});

test('the installation says which risks need approval', () => {
  assert.deepEqual(given({ settings: withApproval({ risks: [] }), steps: [deploy] }).orders(), ['deploy.1']);
  assert.deepEqual(given({ settings: withApproval({ risks: ['low'] }), steps: [step('a')] }).orders(), []);
});

test('a no is final: the step has failed with the reason', () => {
  const world = given({ steps: [deploy] }).reject('deploy', 'not on a Friday');
  assert.equal(world.step('deploy').status, 'failed');
  assert.equal(world.step('deploy').error?.message, 'alice said no: not on a Friday.');
  assert.equal(world.intervention('deploy').status, 'rejected');
  assert.match(world.approve('deploy').ignored ?? '', /nothing is asked/);
});

test('nobody can put aside what was never ordered', () => {
  assert.deepEqual(
    given({ steps: [deploy] })
      .reject('deploy')
      .of('bury'),
    [],
  );
});

test('what nobody decides expires', () => {
  const world = given({ steps: [step('a', { approval: { expires_ms: 60_000 } })] });
  assert.equal(world.timer('expiry').at - world.at, 60_000);
  world.wake('expiry');
  assert.equal(world.intervention('a').status, 'expired');
  assert.equal(world.step('a').error?.code, 'expired');
  assert.match(world.approve('a').ignored ?? '', /nothing is asked/);
});

test('a second decision changes nothing', () => {
  const world = given({ steps: [deploy] })
    .approve('deploy')
    .reject('deploy');
  assert.match(world.ignored ?? '', /nothing is asked/);
  assert.equal(world.step('deploy').status, 'running');
});

test('an approval holds for every attempt with the same input', () => {
  const world = given({ steps: [deploy] })
    .approve('deploy')
    .fail('deploy')
    .wake('retry');
  assert.deepEqual(world.orders(), ['deploy.1', 'deploy.2']);
});

test('a plan that has grown since is another plan: the next attempt is asked about again', () => {
  const world = given({ steps: [step('a'), deploy] })
    .approve('deploy')
    .report('a', { add_steps: [step('b') as never] });
  world.fail('deploy').wake('retry');
  assert.equal(world.step('deploy').status, 'awaiting_approval');
  assert.deepEqual(world.approve('deploy').ordered(), ['deploy.2']);
});

test('another input, after a loop back, is another approval', () => {
  const plan = {
    phases: [{ name: 'build' }, { name: 'watch', feedback_to: 'build' }],
    steps: [
      step('make', { phase: 'build' }),
      step('ship', 'make', { phase: 'build', risk: 'critical', input: { image: '${{ steps.make.output.image }}' } }),
      step('check', { phase: 'watch', retry: { max_attempts: 1 } }),
    ],
  };
  const world = given({ plan }).report('make', { output: { image: 'one' } });
  const first = world.intervention('ship').input_hash;
  world
    .approve('ship')
    .done('ship')
    .fail('check')
    .report('make', { output: { image: 'two' } });
  assert.equal(world.step('ship').status, 'awaiting_approval');
  assert.notEqual(world.intervention('ship').input_hash, first);
});

test('capability "approval" only asks, and orders nothing', () => {
  const world = given({ steps: [step('gate', { capability: 'approval' }), step('b', 'gate')] });
  assert.equal(world.status, 'awaiting_approval');
  world.approve('gate');
  assert.deepEqual(world.orders(), ['b.1']);
  assert.equal(world.step('gate').status, 'succeeded');
});

test('an approval cannot be answered, and a question cannot be approved', () => {
  assert.match(given({ steps: [deploy] }).answer('deploy', 1).ignored ?? '', /approved or rejected, not answered/);
  assert.match(
    given({ steps: [step('q', { capability: 'input' })] }).approve('q').ignored ?? '',
    /answered or rejected, not approved/,
  );
});

test('a step that may be missing is skipped by a no, and the rest goes on', () => {
  const world = given({ steps: [step('extra', { risk: 'high', on_failure: 'skip' }), step('b', 'extra')] }).reject(
    'extra',
  );
  assert.deepEqual(world.statuses(), { extra: 'skipped', b: 'running' });
});

test('each member of a family is approved by itself', () => {
  const world = given({
    steps: [step('roll', { each: { items: ['eu', 'us'] }, risk: 'high', input: { region: '${{ each.item }}' } })],
  });
  assert.deepEqual(world.approve('roll-1').ordered(), ['roll-1.1']);
  assert.equal(world.step('roll-0').status, 'awaiting_approval');
});

test('each policy that asks needs a yes of its own: who may say it to one may not say it to another', () => {
  const lead = { risk: 'critical', approval: { roles: ['tech_lead'] } };
  const world = given({ ...asking({ name: 'soft', roles: ['intern'] }), steps: [step('a', lead)] });
  assert.deepEqual([world.intervention('a').roles, world.intervention('a')['policy']], [['intern'], 'soft']);
  world.approve('a', { by: 'ivan', role: 'intern' });
  assert.deepEqual([world.step('a').status, world.orders()], ['awaiting_approval', []]);
  assert.deepEqual([world.intervention('a').roles, world.intervention('a')['policy']], [['tech_lead'], 'approval']);
  world.approve('a', { by: 'ivan', role: 'intern' });
  assert.match(world.ignored ?? '', /Only tech_lead may decide this/);
  assert.deepEqual(world.approve('a', { by: 'tess', role: 'tech_lead' }).ordered(), ['a.1']);
  assert.deepEqual(world.fail('a').wake('retry').ordered(), ['a.2'], 'and all of them count for every attempt');
});

test('of two policies of the installation each is asked for, one after the other', () => {
  const both = asking({ name: 'legal', roles: ['lawyer'] }, { name: 'sec', roles: ['security'] });
  const world = given({ ...both, steps: [step('a')] });
  assert.deepEqual(world.approve('a', { role: 'lawyer' }).orders(), []);
  const first = given({ ...both, steps: [step('a')] }).intervention('a').input_hash;
  assert.equal(world.intervention('a').input_hash, first, 'both say yes to the same plan and input');
  assert.deepEqual(world.approve('a', { role: 'security' }).ordered(), ['a.1']);
  const refused = given({ ...both, steps: [step('a')] }).approve('a', { role: 'lawyer' });
  refused.decide('a', 'reject', { by: 'sam', role: 'security' });
  assert.equal(refused.step('a').status, 'failed', 'a no of any of them is a no');
});

test('a plan that has grown is approved anew by each of them', () => {
  const both = asking({ name: 'legal' }, { name: 'sec' });
  const world = given({ ...both, steps: [step('a'), step('b')] });
  for (const id of ['a', 'a', 'b', 'b']) world.approve(id);
  world.report('b', { add_steps: [step('c') as never] });
  world.fail('a').wake('retry');
  assert.equal(world.intervention('a')['policy'], 'legal');
  assert.deepEqual(world.approve('a').ordered(), []);
  assert.equal(world.intervention('a')['policy'], 'sec');
  assert.deepEqual(world.approve('a').ordered(), ['a.2']);
});

test('a task of older rules goes on as it began: one yes was for all who asked', () => {
  const both = asking({ name: 'legal', roles: ['lawyer'] }, { name: 'sec', roles: ['security'] });
  const world = given({ ...both, rules: 2, steps: [step('a')] });
  assert.equal(world.intervention('a')['policy'], undefined);
  assert.deepEqual(world.approve('a', { role: 'lawyer' }).ordered(), ['a.1']);
  assert.deepEqual(world.fail('a').wake('retry').ordered(), ['a.2']);
});

const guarded = step('a', { approval: { roles: ['lead'] } });
const needsLead = (more: object = {}) =>
  given({ requester: 'alice', settings: withApproval({ four_eyes: true }), steps: [guarded, step('b')], ...more });

test('of a step that had to be approved, those may say how it goes on who might approve it, and not whoever asked for the task', () => {
  const world = needsLead().approve('a', { by: 'bob', role: 'lead' });
  const { input_hash } = world.intervention('a');
  world.fail('a', 'bad', { retryable: false });
  const flag = world.intervention('a');
  assert.deepEqual(
    [flag.kind, flag.roles, flag['four_eyes'], flag.input_hash],
    ['flag', ['lead'], true, input_hash],
    'bound to what was approved',
  );
  world.decide('a', 'answer', { by: 'ivan', value: 'delete production instead' });
  assert.match(world.ignored ?? '', /Only lead may decide this/);
  world.decide('a', 'answer', { by: 'alice', role: 'lead', value: 'delete production instead' });
  assert.match(world.ignored ?? '', /Whoever asked for the task may not say how a step goes on/);
  assert.deepEqual(world.decide('a', 'answer', { by: 'bob', role: 'lead', value: 'slowly' }).ordered(), ['a.2']);
});

test('the same holds of what its agent asks', () => {
  const world = needsLead().approve('a', { by: 'bob', role: 'lead' }).question('a');
  assert.deepEqual([world.intervention('a').roles, world.intervention('a')['four_eyes']], [['lead'], true]);
  assert.match(world.decide('a', 'answer', { by: 'alice', role: 'lead', value: 1 }).ignored ?? '', /Whoever asked/);
  assert.deepEqual(world.decide('a', 'answer', { by: 'bob', role: 'lead', value: 1 }).ordered(), ['a.2']);
});

test('trying again with another plan than was approved is approved again', () => {
  const world = needsLead().approve('a', { by: 'bob', role: 'lead' }).fail('a', 'bad', { retryable: false });
  world.report('b', { add_steps: [step('c') as never] }).approve('a', { by: 'bob', role: 'lead' });
  assert.deepEqual([world.step('a').status, world.intervention('a').kind], ['awaiting_approval', 'approval']);
});

test('where several had to approve, what one of them tells the agent is shown to all of them again', () => {
  const both = asking({ name: 'legal', roles: ['lawyer'] }, { name: 'sec', roles: ['security'] });
  const world = given({ ...both, steps: [step('a')] });
  world.approve('a', { role: 'lawyer' }).approve('a', { role: 'security' }).fail('a', 'bad', { retryable: false });
  assert.deepEqual(world.intervention('a').roles, ['lawyer', 'security']);
  world.decide('a', 'answer', { by: 'lena', role: 'lawyer', value: 'all of it' });
  const asked = world.intervention('a');
  assert.deepEqual([world.ordered(), asked['policy'], asked.roles], [[], 'legal', ['lawyer']]);
  assert.equal((asked.details as { answer: { value: string } }).answer.value, 'all of it');
  world.approve('a', { role: 'lawyer' }).approve('a', { role: 'security' });
  assert.deepEqual(world.ordered(), ['a.2']);
  assert.equal(world.lastOrder('a').answer?.value, 'all of it');
});

test('a flag of what nobody had to approve is for anybody, and so is one of a task of older rules', () => {
  const free = given({ requester: 'alice', settings: withApproval({ four_eyes: true }), steps: [step('a')] });
  const older = needsLead({ rules: 2 }).approve('a', { by: 'bob', role: 'lead' });
  for (const world of [free, older]) {
    world.fail('a', 'bad', { retryable: false });
    const { roles, four_eyes, input_hash } = world.intervention('a');
    assert.deepEqual([roles, four_eyes, input_hash], [[], false, '']);
    assert.deepEqual(world.decide('a', 'answer', { by: 'alice', value: 'again' }).ordered(), ['a.2']);
  }
});
