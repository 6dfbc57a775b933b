// What a command prints, on its way: to the log of the step up to a limit, and its end to whoever ran it, with secrets masked.
import type { Command, OutputStream, WorkContext } from './sandbox.ts';
import { newTail } from './tail.ts';

export interface Capture {
  push(stream: OutputStream, chunk: Uint8Array): void;
  result(): { readonly stdout: string; readonly stderr: string; readonly truncated: boolean };
}

const tailBytesDefault = 64 * 1_024;
/** More is kept than is given out, so that no secret is cut in two and no longer known. */
const slackBytes = 16 * 1_024;
/** Of one command, in the log of its step. */
const logBytesMax = 64 * 1_024 * 1_024;

export const newCapture = (command: Command, { output, masked }: Pick<WorkContext, 'output' | 'masked'>): Capture => {
  const bytesMax = command.tailBytes ?? tailBytesDefault;
  const tails = { stdout: newTail(bytesMax + slackBytes), stderr: newTail(bytesMax + slackBytes) };
  let logged = 0;
  const log = (stream: OutputStream, chunk: Uint8Array): void => {
    if (command.output === false || logged > logBytesMax) return;
    logged += chunk.length;
    output(stream, chunk);
    if (logged > logBytesMax)
      output('agent', `\n[more than ${logBytesMax} bytes of output; the rest is not in the log]\n`);
  };
  const lastOf = (stream: OutputStream): { text: string; cut: boolean } => {
    const last = newTail(bytesMax);
    last.push(Buffer.from(masked(tails[stream].text())));
    return { text: last.text(), cut: tails[stream].truncated() || last.truncated() };
  };
  return {
    push: (stream, chunk) => {
      tails[stream].push(chunk);
      command.onOutput?.(stream, chunk);
      log(stream, chunk);
    },
    result: () => {
      const [stdout, stderr] = [lastOf('stdout'), lastOf('stderr')];
      return { stdout: stdout.text, stderr: stderr.text, truncated: stdout.cut || stderr.cut };
    },
  };
};
