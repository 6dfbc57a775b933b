// Tells whether a process that was written down is still the same one: a number alone may have been given to another.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The start of a running process, as text to compare; null where there is no such process. */
export const identityOf = (pid: number): string | null => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return null;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold anything; the state follows it, and the start is the 22nd field of all.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return null;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
  } catch {
    // No /proc, as on macOS.
    const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
    return stdout?.trim() || null;
  }
};

export interface Written {
  readonly pid: number;
  readonly identity: string;
}

export const isSame = ({ pid, identity }: Written): boolean => identityOf(pid) === identity;

/** Resolves to whether all of them ended in time. */
export const untilGone = async (processes: readonly Written[], withinMs: number): Promise<boolean> => {
  for (const deadline = Date.now() + withinMs; ; ) {
    if (!processes.some(isSame)) return true;
    if (Date.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};
