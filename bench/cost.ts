// What processes cost, read from /proc, so on Linux only.
import { readFileSync, writeFileSync } from 'node:fs';

/** USER_HZ is 100 on every Linux that Node.js supports. */
const ticksPerSecond = 100;

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** User and system time so far; 0 where there is no such process. */
export const cpuSeconds = (pid: number): number => {
  const stat = read(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
};

const kibibytes = (pid: number, key: string): number =>
  Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`))?.[1] ?? 0);

export const memoryMiB = (pid: number): number => kibibytes(pid, 'VmRSS') / 1_024;
export const peakMiB = (pid: number): number => kibibytes(pid, 'VmHWM') / 1_024;

/** From now on the peak is one of what comes; where the system doesn't allow it, it stays one since the start. */
export const forgetPeak = (pid: number): void => {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // As in some containers.
  }
};

/** Cores that the whole machine keeps busy, others' included: what disturbs a measurement. */
export const machineBusySeconds = (): number => {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    read('/proc/stat').split('\n')[0] ?? ''
  )
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / ticksPerSecond;
};
