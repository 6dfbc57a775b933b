// Which sandbox a process has: what the configuration says, and never a weaker one by itself.
import { createHash } from 'node:crypto';
import type { Config, Logger, TaskEnds } from '@capstan/kit';
import { inBubblewrap } from './bubblewrap/in-bubblewrap.ts';
import { onHost } from './host/on-host.ts';
import type { Sandbox } from './sandbox.ts';

/** `service` names the process, for folders of its own; `ends` says when what tasks left here may go, which otherwise goes by its age. */
export const openSandbox = async (service: string, config: Config, log: Logger, ends?: TaskEnds): Promise<Sandbox> => {
  if (config.unsafe_host_shell) {
    log.warn('Commands run on this host without a sandbox: every task can run anything as this user.');
    return onHost(service, config.workspaces);
  }
  if (config.sandbox.use === 'bubblewrap') {
    log.warn(
      'Commands run in bubblewrap, as the configuration says: nothing limits their memory, processes or processors.',
    );
    return inBubblewrap(config, scopeOf(config));
  }
  // Loaded when it is needed: the engine's client takes longer to load than all the rest.
  const { inDocker } = await import('./docker/in-docker.ts');
  return inDocker(config, scopeOf(config), log, { ends });
};

/** The processes of one installation must agree on it, and no two installations on one engine. */
export const scopeOf = ({ sandbox, namespace, workspaces, nats }: Config): string => {
  if (sandbox.scope !== undefined) return `${namespace}-${sandbox.scope}`;
  const place = workspaces ?? nats.url.replaceAll(/\/\/[^@/]*@/g, '//');
  return `${namespace}-${createHash('sha256').update(place).digest('hex').slice(0, 12)}`;
};
