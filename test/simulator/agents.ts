// Simulated agents: they pull, work for a while of virtual time, report, then acknowledge, as the contract says; and now and then they do what
// agents do on a bad day: report twice, late, somebody else's attempt, or under a token that they made up.
import { decodeTrusted, isBusError, type Delivery } from '@capstan/bus';
import { type Json, limits, type Order, type Plan, type Report, type Submission } from '@capstan/contracts';
import type { Script } from './plans.ts';
import type { Body, Life } from './process.ts';
import { type Random, randomFrom } from './random.ts';

export interface AgentWorld {
  readonly queue: string;
  readonly capabilities: readonly string[];
  /** What it can do after a while: its record changes, and nothing else tells. */
  readonly learns?: readonly string[];
  readonly random: Random;
  /** Bad days are over. */
  calm(): boolean;
  /** The attempts whose body was run. */
  readonly ran: Set<string>;
}

export const beginAgent = async (name: string, { bus, clock, life, die }: Life, world: AgentWorld): Promise<Body> => {
  const { queue, capabilities, random } = world;
  const instance = `${name}-${life}`;
  let knows = capabilities;
  const announce = (): void =>
    void bus
      .store(bus.names.buckets.agents)
      .set({
        key: `${queue}.${instance}`,
        data: JSON.stringify({
          v: 1,
          queue,
          instance,
          capabilities: knows,
          // Nobody who plans says so: see policy-rules.ts.
          risks: { rare: 'high' },
          tags: { os: 'linux' },
          concurrency: 4,
          busy: 0,
          health: 'ok',
        }),
        expect: null,
      })
      .catch(() => {});
  announce();
  clock.every(limits.agentBeatMs, announce);
  if (world.learns !== undefined) clock.later(random.int(1_000, 8_000), () => (knows = world.learns as string[]));
  /** How to cut short what is being worked on, by task and step. */
  const atWork = new Map<string, () => void>();
  bus.listen(bus.names.cancels, ({ subject }) => {
    const [, , task, step] = subject.split('.');
    // Some agents are slow to listen, or never do.
    if (world.calm() || random.chance(0.7)) atWork.get(`${task}.${step}`)?.();
  });
  const taking = await bus.takeOrders(queue, 4, (delivery) => {
    const order = decodeTrusted(delivery.data) as Order;
    const name = `${order.task_id}.${order.step_id}.${order.attempt}`;
    world.ran.add(name);
    const script = (order.input['script'] ?? { acts: [], slow: 10 }) as unknown as Script;
    const working = clock.every(limits.ackWaitMs / 4, () => delivery.working());
    const act = actFor(script, order);
    if (act === 'crash' && !world.calm()) {
      die('its script says so');
      return;
    }
    // A body that hangs is cut off by the time-out of its attempt, as the agent loop does it; a little late, so that Capstan's own comes first.
    const takes = act === 'hang' && !world.calm() ? (order.timeout_ms ?? limits.timeoutMs) + 3_000 : script.slow;
    const place = `${order.task_id}.${order.step_id}`;
    const finish = (how: Act): void => {
      if (atWork.get(place) === stop) atWork.delete(place);
      working();
      void answer(order, delivery, how).catch(die);
    };
    const over = clock.later(takes, () => finish(act));
    const stop = (): void => {
      over();
      clock.later(random.int(0, 500), () => finish('stopped'));
      atWork.delete(place);
    };
    atWork.set(place, stop);
  });

  const answer = async (order: Order, delivery: Delivery, act: Act): Promise<void> => {
    const report = reportOf(order, `${queue}.${instance}`, act);
    await say(order.report_to, report);
    if (!world.calm() && random.chance(0.1)) await mischief(order, report);
    await delivery.ack();
  };
  const say = async (subject: string, report: Report): Promise<void> => {
    for (;;) {
      try {
        await bus.once({ subject, data: JSON.stringify(report) });
        return;
      } catch (error) {
        if (!isBusError(error, 'unavailable')) throw error;
      }
    }
  };
  const mischief = async (order: Order, report: Report): Promise<void> => {
    const parts = order.report_to.split('.');
    const kind = random.pick(['again', 'forged', 'other'] as const);
    if (kind === 'again')
      await say(order.report_to, {
        ...report,
        outcome: 'failed',
        error: { code: 'again', message: 'the second report of an attempt' },
      });
    if (kind === 'forged')
      await say([...parts.slice(0, -1), 'AAAAAAAAAAAAAAAAAAAAAA'].join('.'), {
        ...report,
        outcome: 'failed',
        error: { code: 'forged', message: 'a token that was made up' },
      });
    // The next attempt, under this one's token.
    if (kind === 'other')
      await say([...parts.slice(0, -2), String(order.attempt + 1), parts[parts.length - 1]].join('.'), {
        ...report,
        attempt: order.attempt + 1,
      });
  };
  return { stop: () => taking.stop() };
};

type Act = Script['acts'][number] | 'stopped' | 'unfit';

const actFor = (script: Script, order: Order): Act => {
  if (order.capability === 'verify') return (['ok', 'ok', 'fail', 'unfit'] as const)[order.attempt % 4] ?? 'ok';
  // A question that was answered is not asked again.
  if (order.answer !== undefined) return 'ok';
  return script.acts[order.attempt - 1] ?? 'ok';
};

const reportOf = (order: Order, agent: string, act: Act): Report => {
  const base = {
    v: 1 as const,
    task_id: order.task_id,
    step_id: order.step_id,
    attempt: order.attempt,
    lease: order.lease,
    agent,
  };
  switch (act) {
    case 'fail':
      return {
        ...base,
        outcome: 'failed',
        error: { code: 'flaky', message: 'not this time', ...(order.attempt % 2 === 0 ? { retry_after_ms: 300 } : {}) },
      };
    case 'reject':
      return { ...base, outcome: 'failed', error: { code: 'never', message: 'not at all', retryable: false } };
    case 'ask':
      return { ...base, outcome: 'question', question: { text: 'which way?', state: { asked: order.attempt } } };
    case 'grow':
      return {
        ...base,
        outcome: 'succeeded',
        output: { grown: true },
        add_steps: [{ id: `g-${order.step_id}-${order.attempt}`, capability: 'work', input: {} }],
      };
    case 'stopped':
      return { ...base, outcome: 'cancelled' };
    case 'unfit':
      return { ...base, outcome: 'succeeded', output: { passed: false, checks: [{ name: 'a', passed: false }] } };
    case 'large':
      return {
        ...base,
        outcome: 'succeeded',
        output: { list: [1, 2], text: 'x'.repeat(limits.outputInlineBytesMax + 100) },
      };
    case 'find':
      return {
        ...base,
        outcome: 'succeeded',
        output: { list: [] },
        findings: [{ severity: 'major', category: 'style', message: 'this is not right' }],
        artifacts: [{ name: 'a.txt', size: 1, sha256: 'x', ref: 'capstan_artifacts/a.txt' }],
      };
    case 'wrong':
      return { ...base, step_id: 'elsewhere', outcome: 'succeeded', output: {} };
    default:
      return {
        ...base,
        outcome: 'succeeded',
        output: (planFor(order) as Record<string, Json> | null) ?? { by: order.attempt, list: ['a', 'b', 'c'] },
        usage: { tokens_in: 1, tokens_out: 2, wall_ms: 5 },
      };
  }
};

/** A planner gives the plan that its task was told to ask for; after a failure another one, which now and then is no good. */
const planFor = ({ task_id, attempt, capability, input }: Order): { plan: Plan } | null => {
  if (capability !== 'plan') return null;
  const { request, feedback } = input as unknown as { request: Submission; feedback?: Feedback };
  const planned = request.metadata?.['plan'] as Plan | undefined;
  if (feedback === undefined) return { plan: planned ?? { steps: [{ id: 'a', capability: 'work' }] } };
  const { round, done, failed } = feedback;
  const acts = randomFrom(`${task_id} planned anew, round ${round}`);
  // What did not succeed is no part of the plan any more: to name it is a mistake, which the planner is told of.
  const isWrong = failed[0] !== undefined && attempt === 1 && acts.chance(0.3);
  const on = isWrong ? failed.slice(0, 1).map(({ id }) => id) : done.filter(() => acts.chance(0.5)).slice(0, 2);
  const steps = Array.from({ length: acts.int(1, 2) }, (_, at) => ({
    id: `r${round}x${at}`,
    capability: 'work',
    input: { script: { acts: [acts.pick(['ok', 'ok', 'fail', 'reject'] as const)], slow: 20 } },
    retry: { max_attempts: acts.int(1, 2), initial_delay_ms: 50 },
    timeout_ms: 8_000,
    ...(on.length > 0 ? { depends_on: on } : {}),
  }));
  return { plan: { steps } };
};

/** What a planner is told of what failed. */
interface Feedback {
  readonly round: number;
  readonly done: readonly string[];
  readonly failed: readonly { readonly id: string }[];
}
