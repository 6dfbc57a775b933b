// The process groups that commands run in. None outlives this process: not when it ends, and not when it is killed, since a small
// watchdog then sees its end of the pipe close. Otherwise an order that is delivered again would run beside its own first run.
import { type ChildProcess, spawn } from 'node:child_process';

const alive = new Set<number>();

export const kill = (group: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-group, signal);
  } catch {
    // Nobody is left in it.
  }
};

export const keep = (group: number): void => {
  alive.add(group);
  tell(`a ${group}`);
};

export const letGo = (group: number): void => {
  if (!alive.delete(group)) return;
  tell(`d ${group}`);
};

process.on('exit', () => {
  for (const group of alive) kill(group, 'SIGKILL');
});

let watchdog: ChildProcess | null = null;

/** Lines "a <group>" and "d <group>"; at the end of its input it kills what is left. */
const script = `
groups=" "
while read -r verb group; do
  case $verb in
    a) groups="$groups$group " ;;
    d) before="\${groups%% $group *}"; [ "$before" = "$groups" ] || groups="$before \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
exit 0
`;

const tell = (line: string): void => {
  watchdog ??= start();
  watchdog.stdin?.write(`${line}\n`);
};

const start = (): ChildProcess => {
  const child = spawn('/bin/sh', ['-c', script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
    cwd: '/',
  });
  // Without a shell there is no watchdog, and a kill of this process leaves its commands running; nothing else depends on it.
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return child;
};
