// A container beside a command that counts what the files of its task take. It is of our own image and sees all of them, whatever modes they
// have, and the open files of the command's processes, where what has no name any more is found. Nothing of the command runs in it.
import type { Container, ContainerCreateOptions } from 'dockerode';
import type { Engine } from './engine.ts';
import { frames } from './frames.ts';
import { places } from './options.ts';

const MiB = 1_024 * 1_024;

export interface BesideParts {
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly volume: string;
  /** The container of the command. */
  readonly of: string;
}

export const besideOptions = ({ image, labels, volume, of }: BesideParts): ContainerCreateOptions => ({
  Image: image,
  Cmd: ['sleep', 'infinity'],
  Entrypoint: [''],
  User: '0:0',
  WorkingDir: '/',
  Labels: { ...labels },
  HostConfig: {
    NetworkMode: 'none',
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    // To read all folders, and to see what the processes of the command have open; to change anything, none.
    CapAdd: ['DAC_READ_SEARCH', 'SYS_PTRACE'],
    SecurityOpt: ['no-new-privileges:true'],
    // It ends with the command.
    PidMode: `container:${of}`,
    IpcMode: 'private',
    RestartPolicy: { Name: 'no' },
    PidsLimit: 16,
    Memory: 64 * MiB,
    MemorySwap: 64 * MiB,
    NanoCpus: 1e9,
    LogConfig: { Type: 'none', Config: {} },
    Mounts: [{ Type: 'volume', Source: volume, Target: places.volume, ReadOnly: true }],
  },
});

/** What `du` finds, and below it the bytes of each file that is open and has no name. */
const count = `du -sxm "$1"
device=$(stat -c %d "$1")
find /proc/[0-9]*/fd -lname '*(deleted)' -exec stat -L -c '%d %i %h %b %B' {} + 2>/dev/null | sort -u | head -n 20000 |
while read -r on _ links blocks size; do if [ "$on $links" = "$device 0" ]; then echo $((blocks * size)); fi; done`;

/** Null where it can't be told. */
export const usedBeside = async ({ ask }: Engine, beside: Container): Promise<number | null> => {
  const command = { Cmd: ['sh', '-c', count, 'sh', places.volume], AttachStdout: true, AttachStderr: true };
  const exec = await ask('look at the disk', beside.exec(command));
  const stream = await ask('look at the disk', exec.start({ hijack: true, stdin: false }));
  let text = '';
  for await (const frame of frames(stream)) if (frame.stream === 'stdout') text += frame.data.toString();
  const named = /^(\d+)\s/.exec(text)?.[1];
  if (named === undefined) return null;
  const nameless = text
    .split('\n')
    .slice(1)
    .reduce((sum, bytes) => sum + Number(bytes), 0);
  return Number(named) + Math.ceil(nameless / MiB);
};
