// Clears up after a test that can't do it itself any more: one that was interrupted, or killed at the end of its time.
import { spawn } from 'node:child_process';

/** Takes a project down, images too, as soon as this process is gone without having dismissed it. */
export const hireJanitor = (composing: readonly string[], project: string): { dismiss(): void } => {
  // A session of its own, so that Ctrl-C does not reach it; the end of its input tells it that this process is no more. Twice, since a
  // Compose that was at work in that moment goes on for a while.
  const script = `cat >/dev/null
    for again in 5 0; do "$@" down --volumes --remove-orphans --timeout 1; sleep $again; done
    docker image ls --quiet "$COMPOSE_PROJECT_NAME/*" | xargs -r docker image rm --force`;
  const janitor = spawn('sh', ['-c', script, 'janitor', ...composing], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, COMPOSE_PROJECT_NAME: project },
  });
  janitor.unref();
  (janitor.stdin as unknown as { unref(): void }).unref();
  let { pid } = janitor;
  return {
    dismiss: () => {
      // The group, since the shell has a child that waits with it.
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      pid = undefined;
    },
  };
};
