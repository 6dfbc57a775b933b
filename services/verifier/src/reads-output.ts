// What reads findings out of the output of a check, and what it is given to read.
import type { Severity } from './severity.ts';
import type { Output } from './output.ts';

export interface Verifier {
  /** What a check may call it as its `format`. */
  readonly name: string;
  /** Of its findings, where neither they nor the check say so. */
  readonly category: string;
  /** Files of the folder where the check ran that help to read this output. */
  files?(output: Output): readonly string[];
  /** Null where this is not output that it understands. What it reads was written by programs that nobody vouches for. */
  read(output: Output): readonly Found[] | null;
}

/** What was found, as its tool says it. What it means for the task is added by whoever asked. */
export interface Found {
  /** An error is as bad as the check says, a warning one less, a note minor. */
  readonly level: 'error' | 'warning' | 'note';
  /** Where the tool knows better than the check how bad it is. */
  readonly severity?: Severity;
  readonly category?: string;
  readonly message: string;
  /** As the tool writes it: absolute, or relative to where it ran, or a `file:` address. */
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  readonly rule?: string | undefined;
  /** What makes it the same finding in another run, beside its file and rule. The message without its numbers where absent. */
  readonly same?: string;
}
