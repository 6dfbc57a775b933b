// A child's log, on disk: a file of bounded size, and a few older ones.
import { closeSync, existsSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

export interface LogFile {
  write(line: string): void;
  close(): void;
}

export interface LogFileOptions {
  readonly bytesMax?: number;
  /** Older ones beside the current one: `<name>.1` is the newest of them. */
  readonly older?: number;
}

export const openLogFile = (
  path: string,
  { bytesMax = 10 * 1_024 * 1_024, older = 3 }: LogFileOptions = {},
): LogFile => {
  let file = openSync(path, 'a');
  let bytes = fstatSync(file).size;
  const rotate = () => {
    closeSync(file);
    for (let n = older; n > 0; n--) {
      const from = n === 1 ? path : `${path}.${n - 1}`;
      if (existsSync(from)) renameSync(from, `${path}.${n}`);
    }
    file = openSync(path, 'a');
    bytes = 0;
  };
  return {
    write: (line) => {
      const data = Buffer.from(`${line}\n`);
      if (bytes > 0 && bytes + data.length > bytesMax) rotate();
      // Written at once, so that what a crash said last is there.
      writeSync(file, data);
      bytes += data.length;
    },
    close: () => closeSync(file),
  };
};
