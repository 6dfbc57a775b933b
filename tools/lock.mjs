// A lock between processes, made of a directory. Knows nothing of what it guards.
// Runs on Node.js 18 too, because bootstrap.mjs needs it before the pinned Node.js is there.
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

let taken = 0;

/**
 * Runs `work` while no other process (nor another call in this one) is inside the same lock.
 * A lock left behind by a killed process is taken over.
 * @template T
 * @param {string} lock path of the lock directory; its parent is created
 * @param {() => T | Promise<T>} work
 * @param {{ onWait?: (owner: string) => void, patienceMs?: number }} [options]
 * @returns {Promise<T>}
 */
export async function withLock(lock, work, { onWait = () => {}, patienceMs = 15 * 60_000 } = {}) {
  const name = `${process.pid}.${++taken}.${hostname()}`;
  const candidate = `${lock}.${name}`;
  mkdirSync(dirname(lock), { recursive: true });
  mkdirSync(candidate, { recursive: true });
  writeFileSync(join(candidate, name), '');
  try {
    const deadline = Date.now() + patienceMs;
    let told = false;
    while (!moved(candidate, lock)) {
      const owner = evictDead(lock);
      if (Date.now() > deadline) throw new Error(`still locked by ${owner}; remove ${lock} if that process is gone`);
      if (owner && !told) onWait(owner);
      told ||= owner !== undefined;
      // Polled, because the death of the owner sends no signal to anyone but its parent.
      if (owner) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return await work();
  } finally {
    rmSync(candidate, { recursive: true, force: true });
    unlinkIfThere(join(lock, name));
    removeIfEmpty(lock);
  }
}

// rename() puts a directory over an empty or absent one in one step and refuses a full one:
// so the lock never exists without the name of its owner in it.
function moved(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code)) return false;
    throw error;
  }
}

/**
 * Takes the names of dead owners out and returns a living one. Deleting exactly the dead name,
 * never the directory with whatever is in it, cannot hit an owner who came in between.
 * @param {string} lock
 * @returns {string | undefined}
 */
function evictDead(lock) {
  for (const name of namesIn(lock)) {
    if (isAlive(name)) return name;
    unlinkIfThere(join(lock, name));
  }
  removeIfEmpty(lock);
  return undefined;
}

function isAlive(name) {
  const [pid, , ...host] = name.split('.');
  if (host.join('.') !== hostname()) return true; // another machine's or container's: cannot be asked
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function namesIn(dir) {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function unlinkIfThere(file) {
  try {
    unlinkSync(file);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

function removeIfEmpty(dir) {
  try {
    rmdirSync(dir);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
  }
}
