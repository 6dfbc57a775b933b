// The sandbox in the configuration: where commands of tasks run, what they get, and where they may connect. Common to every agent that runs some.
import { availableParallelism } from 'node:os';
import { z } from 'zod';

/** `host:port`, `*.host:port`, `host:*`; as in `executor.http`. */
export const place = z
  .string()
  .regex(
    /^(\*\.)?[^\s:/*]+(:(\d+|\*))?$|^\[[0-9a-fA-F:]+\](:(\d+|\*))?$/,
    'host:port, such as "localhost:8080", "*.internal:443" or "10.0.0.5:*"',
  );

const amounts = {
  cpu: z.number().positive(),
  memory_mb: z.int().min(8),
  pids: z.int().min(1),
  disk_mb: z.int().min(1),
};

export const sandboxConfig = z
  .strictObject({
    /** Bubblewrap holds less than Docker does: see docs/sandbox.md before you choose it. */
    use: z.enum(['docker', 'bubblewrap']).default('docker'),
    /** Of steps that name none, and of what Capstan itself runs beside them. `npm run sandbox:image` makes it. */
    image: z.string().min(1).max(256).default('capstan/sandbox'),
    /** Fetches an image that a step names and the engine doesn't have. */
    pull: z.boolean().default(false),
    /** Of a step that doesn't say. */
    defaults: z
      .strictObject({
        cpu: amounts.cpu.default(1),
        memory_mb: amounts.memory_mb.default(512),
        pids: amounts.pids.default(128),
        disk_mb: amounts.disk_mb.default(1_024),
      })
      .prefault({}),
    /** What a step may ask for at most. */
    max: z
      .strictObject({
        cpu: amounts.cpu.default(() => availableParallelism()),
        memory_mb: amounts.memory_mb.default(8_192),
        pids: amounts.pids.default(4_096),
        disk_mb: amounts.disk_mb.default(20_480),
      })
      .prefault({}),
    /** Of the memory, for /tmp. */
    tmp_mb: z.int().min(1).default(64),
    /** Places that a step may be allowed to reach although they are private. */
    allow: z.array(place).default([]),
    /** Where present, the only places that any step may be allowed to reach. */
    only: z.array(place).optional(),
    /** How many containers are kept ready after a command, for the next one of its task; each serves one command. */
    warm: z.int().min(0).max(64).default(0),
    /** How long the files of a task that failed, or has not ended, are kept after they were last used. */
    keep_ms: z
      .int()
      .min(60_000)
      .default(24 * 3_600_000),
    /** Tells apart installations that share an engine; made of the workspaces' place or of the server's address where absent. */
    scope: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/)
      .optional(),
  })
  .prefault({});
