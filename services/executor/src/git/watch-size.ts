// How much a folder takes, looked at while a program writes into it: git itself can't be told how much of a repository to take.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const everyMs = 250;

/** Calls back once when it is too much. Returns how to stop looking. */
export const watchSize = (folder: string, bytesMax: number, onOver: () => void): (() => void) => {
  let isOver = false;
  let isLooking = false;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    const bytes = await sizeOf(folder);
    isLooking = false;
    if (bytes <= bytesMax || isOver) return;
    isOver = true;
    clearInterval(timer);
    onOver();
  };
  const timer = setInterval(() => void look(), everyMs);
  return () => {
    isOver = true;
    clearInterval(timer);
  };
};

/** What goes away meanwhile counts nothing. */
const sizeOf = async (folder: string): Promise<number> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name))
        .then(({ size }) => size)
        .catch(() => 0),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
};
