// Where the commands of tasks run, and what a tool may do there. How it is held together is the business of docker/, bubblewrap/ and host/.
import type { Order } from '@capstan/contracts';
import type { AgentContext } from '@capstan/kit';

export interface Sandbox {
  /** `host` is none at all: commands run as this user. */
  readonly kind: 'docker' | 'bubblewrap' | 'host' | 'none';
  /** Null while commands can run here; otherwise why not and what to do, in a sentence. */
  wrong(): string | null;
  /** The workspace of an order's task. Every step of the task that is worked on here gets the same one. */
  open(order: Order, context: WorkContext): Promise<Workspace>;
  /** A task has ended: what is kept for it may go. */
  taskEnded(task: string, status: string): void;
  /** Ends what still runs, and removes what is nobody's any more. */
  end(): Promise<void>;
}

/** What a workspace needs of the agent's context. */
export type WorkContext = Pick<AgentContext, 'signal' | 'log' | 'output' | 'masked' | 'progress'>;

/** The files of one task, and the commands that work on them. Paths are relative to it, and none leads out of it. */
export interface Workspace {
  /** Where it is, as its commands see it. */
  readonly path: string;
  /** Any exit code is a result; throws `Stopped` where the command can't be started. */
  run(command: Command): Promise<CommandResult>;
  /** Null where there is no such file. Throws `Stopped` where it is larger, or no file. */
  read(path: string, bytesMax?: number): Promise<Buffer | null>;
  /** Makes the folders that are missing; what is there is replaced. */
  write(files: readonly WorkspaceFile[]): Promise<void>;
  /** Puts a file beside the workspace, where no tool takes it for a part of the work; its path, as commands see it. */
  aside(name: string, data: string | Uint8Array): Promise<string>;
  /** The regular files that these paths name: a file, a folder with all in it, or a pattern such as `dist/*.tgz`. Links are left out. */
  collect(paths: readonly string[], limits?: CollectLimits): Promise<Collected[]>;
  /** This step is through with it. */
  release(): void;
}

export interface Command {
  /** Program and arguments; nothing is interpreted by a shell. */
  readonly argv: readonly [string, ...string[]];
  /** Relative to the workspace. */
  readonly cwd?: string | undefined;
  /** Added to what every command has; nothing comes from the environment of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: string | Uint8Array | undefined;
  readonly timeoutMs?: number | undefined;
  /** How much of the end of each stream is given back; all of it goes to the log of the step. */
  readonly tailBytes?: number | undefined;
  /** `host:port` that it may connect to, instead of what the step says; the configuration has the last word. */
  readonly egress?: readonly string[] | undefined;
  /** Instead of the step's own, for a tool that brings its programs with it. */
  readonly image?: string | undefined;
  /** Also sees what is printed, as it comes; `output: false` keeps it out of the step's log. */
  readonly onOutput?: ((stream: OutputStream, chunk: Uint8Array) => void) | undefined;
  readonly output?: boolean | undefined;
}

export type OutputStream = 'stdout' | 'stderr';

export interface CommandResult {
  /** Null where it was ended from outside. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** Something in it was ended because its memory was used up; the exit code alone does not tell. */
  readonly outOfMemory: boolean;
  /** The end of each stream, with secrets masked. */
  readonly stdout: string;
  readonly stderr: string;
  /** Whether the beginning of a stream is missing here. */
  readonly truncated: boolean;
  readonly wallMs: number;
}

export interface WorkspaceFile {
  readonly path: string;
  readonly data: string | Uint8Array;
  readonly executable?: boolean;
}

export interface CollectLimits {
  readonly filesMax?: number;
  readonly bytesMax?: number;
}

export interface Collected {
  /** Its path in the workspace. */
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly data: Buffer;
}
