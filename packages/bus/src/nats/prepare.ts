// Makes every stream and bucket, puts right what may be put right, and says what can't be. Any number of processes may do it at once.
import { limits, type Names } from '@capstan/contracts';
import { BusError, isBusError } from '../error.ts';
import { call, look } from './api.ts';
import { type NatsBus, openTasks } from './bus.ts';
import { withinBounds } from './bounded.ts';
import { refusal } from './refusal.ts';
import { type Sizes, type Spec, streamsOf } from './streams.ts';

export interface PrepareOptions extends Sizes {
  /** Copies of each stream: 3 in a cluster. Where it is not said, what exists stays. */
  readonly replicas?: number | undefined;
  readonly storage?: 'file' | 'memory' | undefined;
}

export interface Prepared {
  readonly made: string[];
  readonly changed: string[];
}

export const prepare = async (bus: NatsBus, options: PrepareOptions = {}): Promise<Prepared> => {
  await checkJetStream(bus);
  const prepared: Prepared = { made: [], changed: [] };
  const wrong: string[] = [];
  // What takes as much as there is room for comes last.
  const specs = streamsOf(bus.names, options).toSorted(
    (a, b) => Number(a.bounded ?? false) - Number(b.bounded ?? false),
  );
  for (const spec of specs) {
    const problems = await prepareOne(bus, spec, options, prepared);
    wrong.push(...problems);
  }
  if (wrong.length > 0)
    throw new BusError(
      'conflict',
      `This NATS account can't be used as it is:\n${wrong.map((one) => `  ${one}`).join('\n')}`,
    );
  await openTasks(bus);
  return prepared;
};

/** The streams that exist, with what is wrong about each: for `doctor`. Changes nothing. */
export const inspect = async (bus: NatsBus, options: PrepareOptions = {}): Promise<string[]> => {
  const wrong: string[] = [];
  for (const spec of streamsOf(bus.names, options)) {
    const config = await configOf(bus, spec.name);
    if (!config) wrong.push(`${spec.name} (${spec.what}) is missing.`);
    else for (const name of differing(config, spec.must)) wrong.push(difference(spec, config, name));
  }
  return wrong;
};

/** Otherwise the first stream would be waited for in vain, without a word why. */
const checkJetStream = async (bus: NatsBus): Promise<void> => {
  try {
    await look(bus.line.asker, 'INFO', undefined, limits.requestTimeoutMs);
  } catch (error) {
    if (!isBusError(error, 'unavailable')) throw error;
    throw new BusError(
      'unavailable',
      `JetStream does not answer: start nats-server with "-js", or enable it for this account. (${error.message})`,
      {
        cause: error,
      },
    );
  }
};

type Config = Readonly<Record<string, unknown>>;

const prepareOne = async (bus: NatsBus, spec: Spec, options: PrepareOptions, prepared: Prepared): Promise<string[]> => {
  const { asker } = bus.line;
  let config = await configOf(bus, spec.name);
  if (!config) {
    const wanted = {
      name: spec.name,
      description: spec.what,
      storage: options.storage ?? 'file',
      num_replicas: options.replicas ?? 1,
      ...spec.may,
      ...spec.must,
    };
    const create = (more: object) =>
      call<{ config: Config; did_create?: boolean }>(asker, `STREAM.CREATE.${spec.name}`, { ...wanted, ...more });
    const made = isUnbounded(spec, wanted)
      ? await withinBounds(asker, spec.name, (max_bytes) => create({ max_bytes }))
      : await create({});
    if (made.ok) {
      if (made.value.did_create !== false) prepared.made.push(spec.name);
      return [];
    }
    if (made.error.err_code === subjectsOverlap) return [await overlap(bus, spec)];
    // Another process was first, perhaps with other options.
    if (made.error.err_code !== nameInUse) throw refusal(made.error, spec.name);
    config = await configOf(bus, spec.name);
    if (!config) return [`${spec.name} came and went while it was made: try again.`];
  }
  return putRight(bus, spec, config, options, prepared);
};

const putRight = async (
  bus: NatsBus,
  spec: Spec,
  config: Config,
  options: PrepareOptions,
  prepared: Prepared,
): Promise<string[]> => {
  const asked = chosen(spec, options, bus.names);
  const names = [...differing(config, spec.must), ...differing(config, asked)];
  const fixed = names.filter((name) => unchangeable.has(name) || (oneWay.has(name) && config[name] === true));
  if (fixed.length > 0) return fixed.map((name) => difference(spec, config, name));
  const next = { ...config, ...spec.must, ...asked };
  const bounds = isUnbounded(spec, next);
  if (names.length === 0 && !bounds) return [];
  const update = (more: object) => call(bus.line.asker, `STREAM.UPDATE.${spec.name}`, { ...next, ...more });
  const updated = bounds
    ? await withinBounds(bus.line.asker, spec.name, (max_bytes) => update({ max_bytes }))
    : await update({});
  if (updated.ok) {
    prepared.changed.push(spec.name);
    return [];
  }
  return names.map(
    (name) => `${difference(spec, config, name)} The server refuses to change it: ${updated.error.description}.`,
  );
};

const isUnbounded = ({ bounded }: Spec, config: Config): boolean =>
  bounded === true && Number(config['max_bytes'] ?? -1) <= 0;

const configOf = async (bus: NatsBus, stream: string): Promise<Config | null> =>
  (await look<{ config: Config }>(bus.line.asker, `STREAM.INFO.${stream}`))?.config ?? null;

/** Of what an operator may change, what these options name. */
const chosen = (spec: Spec, options: PrepareOptions, names: Names): Config => {
  const given = new Map(streamsOf(names, options).map(({ name, may }) => [name, may]));
  const defaults = new Map(streamsOf(names, {}).map(({ name, may }) => [name, may]));
  const differ = differing(defaults.get(spec.name) ?? {}, given.get(spec.name) ?? {});
  const picked = Object.fromEntries(differ.map((name) => [name, spec.may[name]]));
  return options.replicas === undefined ? picked : { ...picked, num_replicas: options.replicas };
};

/** The server leaves out what is zero or false. */
const differing = (config: Config, wanted: Config): string[] =>
  Object.keys(wanted).filter((name) => JSON.stringify(plain(config[name])) !== JSON.stringify(plain(wanted[name])));

const plain = (value: unknown): unknown => (value === undefined || value === false || value === -1 ? 0 : value);

const difference = (spec: Spec, config: Config, name: string): string =>
  `${spec.name} (${spec.what}) has ${name} ${JSON.stringify(config[name] ?? null)}, but ${JSON.stringify(spec.must[name] ?? spec.may[name])} is needed.`;

const overlap = async (bus: NatsBus, spec: Spec): Promise<string> => {
  const subject = (spec.must['subjects'] as string[])[0];
  const found = await look<{ streams: string[] | null }>(bus.line.asker, 'STREAM.NAMES', { subject });
  return `${spec.name} (${spec.what}) can't be made: its subjects belong to ${found?.streams?.join(', ') ?? 'another stream'} already. Use another namespace, or remove that.`;
};

const unchangeable = new Set(['retention', 'storage']);
/** Once true, the server does not take these back. */
const oneWay = new Set(['deny_delete', 'deny_purge']);
const subjectsOverlap = 10_065;
const nameInUse = 10_058;
