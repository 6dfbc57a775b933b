// The coordinator's process.
import { randomUUID } from 'node:crypto';
import { openKeyRing, prepare } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import { policyIssue, rulesVersion } from '@capstan/engine';
import { ConfigMistake, runService } from '@capstan/kit';
import { z } from 'zod';
import { realClock } from './clock.ts';
import { defaultKeeping } from './keeping.ts';
import { startCoordinator } from './coordinator.ts';
import { rehearse } from './rehearse.ts';
import { newCounts } from './world.ts';

const section = {
  schema: z.strictObject({
    /** Copies of each stream and bucket: 3 in a cluster. */
    replicas: z.int().min(1).max(5).optional(),
    /** Where the keys come from that prove events genuine; the bucket of keys where it is not said. */
    keys_file: z.string().optional(),
    /** The space of the event log; as much as there is room for, 16 GiB at most, where it is not said. */
    events_bytes_max: z.int().min(1_048_576).optional(),
    /** What is kept how long. */
    keep: z
      .strictObject({
        /** The names of orders that are done: at least as long as anybody may say them again. */
        orders_ms: z.int().min(1_000).optional(),
        purge_every_ms: z.int().min(100).optional(),
        /** Tasks that have ended, until they are archived: how long, and how many. */
        tasks_ms: z.int().min(0).optional(),
        tasks_max: z.int().min(0).optional(),
        /** After the end of an archived task: its artifacts, and what the archive has of it. */
        artifacts_ms: z.int().min(0).optional(),
        archive_ms: z.int().min(0).optional(),
        /** Of batches of the archive that somebody put and died before naming them; never less than a frozen process may sleep. */
        strays_ms: z.int().min(0).optional(),
      })
      .optional(),
  }),
  environment: {
    CAPSTAN_REPLICAS: { path: ['replicas'], as: 'number' },
    CAPSTAN_EVENT_KEYS_FILE: { path: ['keys_file'], as: 'text' },
    CAPSTAN_EVENTS_BYTES_MAX: { path: ['events_bytes_max'], as: 'number' },
    CAPSTAN_KEEP_ORDERS_MS: { path: ['keep', 'orders_ms'], as: 'number' },
    CAPSTAN_PURGE_EVERY_MS: { path: ['keep', 'purge_every_ms'], as: 'number' },
    CAPSTAN_KEEP_TASKS_MS: { path: ['keep', 'tasks_ms'], as: 'number' },
    CAPSTAN_KEEP_TASKS_MAX: { path: ['keep', 'tasks_max'], as: 'number' },
    CAPSTAN_KEEP_ARTIFACTS_MS: { path: ['keep', 'artifacts_ms'], as: 'number' },
    CAPSTAN_KEEP_ARCHIVE_MS: { path: ['keep', 'archive_ms'], as: 'number' },
    CAPSTAN_KEEP_STRAYS_MS: { path: ['keep', 'strays_ms'], as: 'number' },
  },
} as const;

await runService({
  name: 'coordinator',
  section,
  preparesStreams: true,
  start: async ({ bus, config, log, health, shutdown }) => {
    for (const policy of config.settings.policies.own) {
      const issue = policyIssue(policy);
      if (issue !== null)
        throw new ConfigMistake(`${issue}. Correct it in the configuration, or set its mode to "off".`);
    }
    if (config.rehearse) {
      await bus.rehearse();
      if (!(await rehearse())) log.info('The rehearsal was broken off: this machine is busy.');
    }
    const { made, changed } = await prepare(bus, {
      replicas: config.own.replicas,
      eventsBytesMax: config.own.events_bytes_max,
    });
    if (made.length + changed.length > 0) log.info({ made, changed }, 'streams and buckets are prepared');
    const ring = await openKeyRing(bus, { file: config.own.keys_file });
    const counts = newCounts();
    const coordinator = await startCoordinator({
      bus,
      names: bus.names,
      ring,
      clock: realClock,
      newId: () => randomUUID().replaceAll('-', ''),
      log,
      counts,
      member: config.instance,
      rules: rulesVersion,
      partitions: limits.partitions,
      settings: config.settings,
      keeping: {
        orderNameMs: config.own.keep?.orders_ms ?? defaultKeeping.orderNameMs,
        purgeEveryMs: config.own.keep?.purge_every_ms ?? defaultKeeping.purgeEveryMs,
        tasksMs: config.own.keep?.tasks_ms ?? defaultKeeping.tasksMs,
        tasksMax: config.own.keep?.tasks_max ?? defaultKeeping.tasksMax,
        artifactsMs: config.own.keep?.artifacts_ms ?? defaultKeeping.artifactsMs,
        archiveMs: config.own.keep?.archive_ms ?? defaultKeeping.archiveMs,
        straysMs: config.own.keep?.strays_ms ?? defaultKeeping.straysMs,
      },
      fatal: (error) => {
        log.fatal({ error }, 'this can not go on; ending, so that another process takes over from what is stored');
        process.exit(1);
      },
    });
    health.check('coordinator', () => null);
    shutdown.onDrain('coordinator', async () => {
      await coordinator.stop();
      await ring.stop();
    });
  },
});
