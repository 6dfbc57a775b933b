// Where a command writes to and reads keys from. Results go to stdout, remarks to stderr.
import process from 'node:process';
import { type Style, styleOf, wantsColours } from './style.ts';

export interface Terminal {
  /** A line on stdout. */
  print(line: string): void;
  /** A line on stderr. */
  remark(line: string): void;
  /** Raw, on stdout, for redrawing; only on a TTY. */
  draw(text: string): void;
  readonly isTty: boolean;
  /** Whether somebody could press a key. */
  readonly hasKeys: boolean;
  readonly style: Style;
  /** For remarks. */
  readonly remarkStyle: Style;
  size(): { readonly columns: number; readonly rows: number };
  /** Hands out each key pressed until it is stopped; Ctrl-C stays Ctrl-C. */
  keys(on: (key: string) => void): () => void;
}

export const processTerminal = (): Terminal => {
  const { stdin, stdout, stderr } = process;
  // A reader that has seen enough (`capstan list | head`) is no failure.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  stderr.on('error', () => {});
  const isTty = stdout.isTTY === true && process.env['TERM'] !== 'dumb';
  return {
    print: (line) => void stdout.write(`${line}\n`),
    remark: (line) => void stderr.write(`${line}\n`),
    draw: (text) => void stdout.write(text),
    isTty,
    hasKeys: stdin.isTTY === true && isTty,
    style: styleOf(wantsColours(stdout.isTTY === true, process.env)),
    remarkStyle: styleOf(wantsColours(stderr.isTTY === true, process.env)),
    size: () => ({ columns: stdout.columns || 100, rows: stdout.rows || 40 }),
    keys: (on) => {
      const hear = (data: Buffer) => {
        const key = data.toString('utf8');
        // In raw mode the terminal no longer turns Ctrl-C into a signal.
        if (key === '\u0003') process.kill(process.pid, 'SIGINT');
        else on(key);
      };
      stdin.setRawMode(true);
      stdin.on('data', hear);
      stdin.resume();
      return () => {
        stdin.off('data', hear);
        stdin.setRawMode(false);
        stdin.pause();
      };
    },
  };
};
