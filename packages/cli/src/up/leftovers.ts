// The processes of a supervisor, written down so that the next one can end those which a killed one left.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, isSame, untilGone, type Written } from './identity.ts';

export interface Child extends Written {
  readonly name: string;
  /** It leads a process group of its own. */
  readonly group: boolean;
}

export interface Register {
  add(name: string, pid: number, group: boolean): void;
  remove(pid: number): void;
  clear(): void;
}

const fileIn = (data: string): string => join(data, 'children.json');
/** For people: `kill -9 "$(cat .capstan/pids/coordinator)"`. */
const pidsIn = (data: string): string => join(data, 'pids');

export const openRegister = (data: string): Register => {
  const path = fileIn(data);
  const pids = pidsIn(data);
  const children = new Map<number, Child>();
  rmSync(pids, { recursive: true, force: true });
  mkdirSync(pids, { recursive: true });
  const write = () => {
    writeFileSync(`${path}.new`, JSON.stringify({ children: [...children.values()] }, null, 2));
    renameSync(`${path}.new`, path);
  };
  return {
    add: (name, pid, group) => {
      const identity = identityOf(pid);
      // It ended already.
      if (identity === null) return;
      children.set(pid, { name, pid, identity, group });
      writeFileSync(join(pids, name), `${pid}\n`);
      write();
    },
    remove: (pid) => {
      if (children.delete(pid)) write();
    },
    clear: () => {
      rmSync(path, { force: true });
      rmSync(pids, { recursive: true, force: true });
    },
  };
};

/** Those drain by themselves once their supervisor is gone; they have this long. */
const drainedWithinMs = 3_000;
const stoppedWithinMs = 10_000;

/** Ends what is left, nats-server last. Resolves to what had to be ended. */
export const endLeftovers = async (data: string): Promise<string[]> => {
  const left = readChildren(data).filter(isSame);
  const services = left.filter(({ group }) => !group);
  const servers = left.filter(({ group }) => group);
  if (!(await untilGone(services, drainedWithinMs))) {
    for (const child of services) send(child, 'SIGKILL');
    await untilGone(services, stoppedWithinMs);
  }
  for (const child of servers) send(child, 'SIGTERM');
  if (!(await untilGone(servers, stoppedWithinMs))) {
    for (const child of servers) send(child, 'SIGKILL');
    await untilGone(servers, stoppedWithinMs);
  }
  return left.map(({ name }) => name);
};

const readChildren = (data: string): Child[] => {
  try {
    const { children } = JSON.parse(readFileSync(fileIn(data), 'utf8')) as { children?: unknown };
    return Array.isArray(children) ? (children as Partial<Child>[]).filter(isChild) : [];
  } catch {
    return [];
  }
};

const isChild = (child: Partial<Child>): child is Child =>
  typeof child.name === 'string' &&
  typeof child.pid === 'number' &&
  child.pid > 1 &&
  typeof child.identity === 'string' &&
  typeof child.group === 'boolean';

const send = (child: Child, signal: NodeJS.Signals): void => {
  if (!isSame(child)) return;
  try {
    process.kill(child.group ? -child.pid : child.pid, signal);
  } catch {
    // It ended in between.
  }
};
