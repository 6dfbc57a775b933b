// Every number that somebody might want to look up. What must hold between them is in limits.test.ts.

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const KiB = 1_024;
const MiB = 1_024 * KiB;

export const limits = {
  // What comes in
  bodyBytesMax: 512 * KiB,
  jsonDepthMax: 64,
  idLengthMax: 64,
  planBytesMax: 64 * MiB,
  /** A reply larger than this names a place in the object store instead. */
  replyBytesMax: 900 * KiB,
  eventsListMax: 5_000,
  planStepsMax: 100_000,
  budgetStepsDefault: 100_000,
  /** What a step may add while it runs, in one report. */
  addStepsMax: 1_000,
  depthMax: 8,
  replansMax: 20,
  denialsKept: 50,
  /** Findings of a task that somebody dealt with, which count no more. */
  resolvedKept: 500,

  // What an agent gives back
  /** A page of steps whose outputs are all this large must still fit into one message. */
  outputInlineBytesMax: 4 * KiB,
  /** The lists of artifacts, and what steps wait for, of the steps that are stored together. */
  artifactsPageBytesMax: 256 * KiB,
  dependenciesPageBytesMax: 512 * KiB,
  /** A task's own list of all artifacts is left out of its stored record where it is longer; its steps have them. */
  artifactsShownBytesMax: 64 * KiB,
  /** Of what a question leaves for the attempt that gets the answer, and of the form of that. */
  questionBytesMax: 32 * KiB,
  attemptsKept: 20,
  historyKept: 100,

  // Attempts
  maxAttemptsDefault: 3,
  maxAttemptsMax: 100,
  initialDelayMs: 1 * second,
  multiplier: 2,
  maxDelayMs: 60 * second,
  jitter: 0.2,
  timeoutMs: 10 * minute,
  timeoutMsMax: 30 * day,
  /** A third of the acknowledgement wait, so that two lost beats are not yet silence. */
  heartbeatMs: 10 * second,
  heartbeatMsMin: 1 * second,
  cancelGraceMs: 10 * second,
  approvalExpiresMs: 7 * day,
  questionExpiresMs: 7 * day,
  interventionExpiresMsMax: 365 * day,
  phaseLoopsMax: 100,

  // Turns, when more waits than can be done
  /** After so long what waits goes up by one priority. */
  ageingMs: 30 * second,
  /** Orders that may be outstanding where nobody knows how much its agents can do. */
  outstandingUnknown: 64,

  // Circuits
  circuitFailures: 10,
  circuitRecoveryMs: 30 * second,

  // Orders
  ackWaitMs: 30 * second,
  maxDeliver: 20,
  maxAckPending: 10_000,

  // Agents
  agentTtlMs: 10 * second,
  agentBeatMs: 3 * second,
  agentConcurrency: 4,

  // Coordinators
  partitions: 32,
  memberTtlMs: 15 * second,
  memberBeatMs: 4 * second,
  readBatch: 500,
  endedSnapshotEveryMs: 25,
  liveSnapshotAfterMs: 500,
  checkpointEveryMs: 500,
  /** An open task in which nothing has happened for so long need not be in memory. */
  restAfterMs: 10 * second,
  restEveryMs: 2 * second,
  stepsPerPage: 128,
  /** Starts of a partition whose checkpoint stands still, until its events are tried one at a time. */
  startsWithoutProgressMax: 3,
  /** Deaths of the same event, tried by itself, until it is left out: one may be chance. */
  deathsPerEventMax: 2,

  // Keeping
  /** Longer than any publisher goes on saying an order, and than a coordinator may believe that it still owns a partition. */
  orderNameMs: 60 * second,
  purgeEveryMs: 10 * second,
  dlqAgeMs: 365 * day,
  dlqBytesMax: 1_024 * MiB,
  logAgeMs: 7 * day,
  logBytesMax: 1_024 * MiB,
  logLinesPerStepMax: 100_000,
  /** An answer of a model to the very same question is given again for as long. */
  modelAnswerAgeMs: 7 * day,
  /** The log's space where nobody chose one, and the least that is tried where the account or the disk has no more. */
  eventsBytesMax: 16_384 * MiB,
  eventsBytesMin: 64 * MiB,
  /** New tasks are refused above this share of the events' space, so that reports and cancels still fit. */
  submitSpaceShare: 0.8,

  /** Of tasks that have ended: how long they are in the bucket, and how many; after that they are in the archive. */
  keepTasksMs: 30 * day,
  keepTasksMax: 250_000,
  /** After its end, of an archived task. */
  keepArtifactsMs: 30 * day,
  keepArchiveMs: 365 * day,
  archiveBatchTasks: 200,
  archiveBatchSteps: 4_000,
  archiveBatchBytes: 8 * MiB,
  /** A coordinator may not know for so long what another has archived. */
  archiveFreshMs: 10 * second,
  /** Of one partition in one look. */
  archiveBatchesMax: 5,
  /** Nobody who stood still for longer goes on with a batch that he was about to put: far beyond any membership, and any connection. */
  archiveStraysMs: 60 * minute,
  /** A task that is open for so long, and longer than ended ones are kept, is named as the one that the log is kept for; so often. */
  logHolderMs: day,
  logHolderEveryMs: hour,

  // The way
  requestTimeoutMs: 5 * second,
  publishTimeoutMs: 30 * second,
  drainMs: 30 * second,
} as const;
