// Every subject, stream and bucket of Capstan, named once. No other file spells one out.

const build = (namespace: string) => {
  const upper = namespace.toUpperCase();
  const dot = (...tokens: (string | number)[]) => `${namespace}.${tokens.join('.')}`;
  return {
    namespace,
    streams: {
      events: `${upper}_EVENTS`,
      orders: `${upper}_ORDERS`,
      tasks: `${upper}_TASKS`,
      dlq: `${upper}_DLQ`,
      logs: `${upper}_LOGS`,
      advisories: `${upper}_ADVISORIES`,
    },
    buckets: {
      tasks: `${namespace}_tasks`,
      agents: `${namespace}_agents`,
      tools: `${namespace}_tools`,
      answers: `${namespace}_answers`,
      inbox: `${namespace}_inbox`,
      members: `${namespace}_members`,
      keys: `${namespace}_keys`,
      artifacts: `${namespace}_artifacts`,
    },

    /** The plain, durable door. */
    submit: (tenant?: string) => (tenant === undefined ? dot('task', 'submit') : dot('task', 'submit', tenant)),
    submits: [dot('task', 'submit'), dot('task', 'submit', '*')],

    /** An event's subject without the token that proves who may say it. */
    event: (partition: number, task: string, ...name: (string | number)[]) =>
      `${namespace}.event.${partition}.${task}.${name.join('.')}`,
    events: (partition?: number) => (partition === undefined ? dot('event', '>') : dot('event', partition, '>')),
    eventsOfTask: (partition: number, task: string) => dot('event', partition, task, '>'),

    order: (queue: string, task: string, step: string, attempt: number) =>
      `${namespace}.order.${queue}.${task}.${step}.${attempt}`,
    orders: (queue?: string) => (queue === undefined ? dot('order', '>') : dot('order', queue, '>')),

    dlq: (source: string, reason: string, id: string) => dot('dlq', source, reason, id),
    dlqs: dot('dlq', '>'),

    /** Where the output of an attempt is kept that is too large for a record; as a reference. */
    outputRef: (task: string, step: string, attempt: number) =>
      `${namespace}_artifacts/${task}/${step}/${attempt}/output.json`,

    log: (task: string, step: string) => dot('log', task, step),
    logs: dot('log', '>'),

    notice: (tenant: string, task: string, status: string) => dot('notice', tenant, task, status),
    stepNotice: (tenant: string, task: string, step: string, status: string) =>
      `${namespace}.notice.${tenant}.${task}.step.${step}.${status}`,
    notices: (tenant = '*', task = '*') => dot('notice', tenant, task, '>'),

    progress: (task: string, step: string) => dot('progress', task, step),
    progresses: dot('progress', '>'),
    cancel: (task: string, step: string) => dot('cancel', task, step),
    cancels: dot('cancel', '>'),

    /** Request and reply: `api('task', 'submit')`. */
    api: (noun: string, verb: string) => dot('api', noun, verb),
    apis: dot('api', '>'),
    /** Asked of whoever owns a partition just now; internal. */
    owner: (partition: number) => dot('owner', partition),
    /** How a circuit stands, told by its owner to every coordinator when that changes; internal. */
    circuit: dot('circuit'),
    /** How many steps of tenants with quotas run, told by each coordinator to the others; internal. */
    running: dot('running'),

    /** Keys in the bucket of tasks: those that stand still, by partition. */
    quarantine: (partition: number, task: string) => `_quarantine.${partition}.${task}`,
    quarantines: '_quarantine.>',

    /** What of a partition is archived: its batches, and by id where each task is. */
    archive: (partition: number) => `_archive.${partition}`,
    archived: (partition: number, page: number) => `_archived.${partition}.${page}`,
    /** There before the log of events forgets anything for the first time. */
    forgetting: '_forgetting.events',

    advisories: ['MAX_DELIVERIES', 'MSG_TERMINATED'].map(
      (kind) => `$JS.EVENT.ADVISORY.CONSUMER.${kind}.${upper}_ORDERS.>`,
    ),
  } as const;
};

export type Names = ReturnType<typeof build>;

const built = new Map<string, Names>();

/** Lower case only: "acme" and "Acme" would differ in their subjects and share their streams. */
export const namespacePattern = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** The names of one installation; several installations on one NATS account differ by namespace. */
export const namesOf = (namespace = 'capstan'): Names => {
  if (!namespacePattern.test(namespace)) {
    throw new Error(
      `namespace "${namespace}" must be 1 to 32 lower-case letters, digits, "_" or "-", and begin with a letter or digit`,
    );
  }
  let names = built.get(namespace);
  if (!names) built.set(namespace, (names = build(namespace)));
  return names;
};

/** What the tokens of an event's subject say; null for a subject that is no event of this installation. */
export const parseEventSubject = (names: Names, subject: string) => {
  const tokens = subject.split('.');
  const [namespace, door, partition, task, kind] = tokens;
  if (namespace !== names.namespace || door !== 'event' || tokens.length < 6) return null;
  if (!isNumber(partition) || !task || !kind) return null;
  return {
    partition: Number(partition),
    task,
    kind,
    name: tokens.slice(5, -1),
    token: tokens[tokens.length - 1] as string,
  };
};

/** What the tokens of an order's subject say. */
export const parseOrderSubject = (names: Names, subject: string) => {
  const tokens = subject.split('.');
  const [namespace, door, queue, task, step, attempt] = tokens;
  if (namespace !== names.namespace || door !== 'order' || tokens.length !== 6) return null;
  if (!queue || !task || !step || !isNumber(attempt)) return null;
  return { queue, task, step, attempt: Number(attempt) };
};

/** A number has one spelling here: "7" and "07" would be two names for one thing. */
const isNumber = (token: string | undefined): token is string =>
  token !== undefined && /^(0|[1-9]\d{0,8})$/.test(token);
