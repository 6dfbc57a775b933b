// The disk of the server is full for a while: nothing is taken, and what was taken is there when there is room again.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { curtain, onStage } from '../stage.ts';
import type { Played, Scenario } from './scenario.ts';

const sizeMiB = 64;
const fullMs = 8_000;

export const disk: Scenario = {
  name: 'disk',
  weight: 1,
  run: async ({ counts, seed }): Promise<Played> => {
    const dir = mkdtempSync(join(tmpdir(), 'capstan-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', dir], { stdio: 'pipe' });
    } catch (error) {
      rmSync(dir, { recursive: true });
      return {
        violations: [],
        skipped: `a small disk can't be mounted here: ${String((error as Error).message).trim()}`,
      };
    }
    try {
      const storeDir = join(dir, 'nats');
      mkdirSync(storeDir);
      // The server would keep to what it finds free at its start, and the streams ask for more.
      const config = `jetstream { store_dir: ${JSON.stringify(join(storeDir, 'data'))}, max_file_store: 20GB }`;
      return await onStage({ counts, seed, world: { server: { storeDir, config } } }, async (stage) => {
        const { world } = stage;
        const load = stage.load({ clients: 6 });
        await world.eventAt(200);
        const ballast = join(dir, 'ballast');
        const { bavail, bsize } = statfsSync(dir);
        writeFileSync(ballast, Buffer.alloc(bavail * bsize));
        await sleep(fullMs);
        rmSync(ballast);
        // A stream that could not write stays as it is until its server is started again (2.15.1).
        await world.server.restart();
        counts.server += 1;
        await world.eventAt(world.lastEvent() + 100, 120_000);
        return curtain(stage, load);
      });
    } finally {
      execFileSync('umount', ['-l', dir]);
      rmSync(dir, { recursive: true });
    }
  },
};
