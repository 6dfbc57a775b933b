// What every container gets, and above all what it doesn't. Each line of it holds off an attack in test/sandbox.
import type { ContainerCreateOptions, HostConfig } from 'dockerode';
import type { Limits } from '../limits.ts';

/** As whom commands run; the base image knows this user as "sandbox". */
export const owner = { uid: 10_001, gid: 10_001 } as const;
export const places = { volume: '/sandbox', workspace: '/sandbox/workspace', home: '/sandbox/home' } as const;

const MiB = 1_024 * 1_024;

export interface ContainerParts {
  readonly image: string;
  /** Places for which the image wants a volume (`placesDeclaredBy`). */
  readonly declared?: readonly string[];
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly limits: Limits;
  readonly tmpMb: number;
  /** Null for what has no business with the files of a task. */
  readonly volume: string | null;
  /** The container whose network it shares, which has nothing but a way to the egress proxy; none at all where null. */
  readonly network: string | null;
  readonly stdin: boolean;
}

export const containerOptions = (parts: ContainerParts): ContainerCreateOptions => ({
  Image: parts.image,
  Cmd: [...parts.argv],
  // What an image would start by itself is not asked for.
  Entrypoint: [''],
  Env: Object.entries(parts.env ?? {}).map(([name, value]) => `${name}=${value}`),
  User: `${owner.uid}:${owner.gid}`,
  WorkingDir: parts.volume === null ? '/' : places.workspace,
  Tty: false,
  OpenStdin: parts.stdin,
  StdinOnce: parts.stdin,
  AttachStdin: parts.stdin,
  AttachStdout: true,
  AttachStderr: true,
  Labels: { ...parts.labels },
  ...(parts.network === null ? { Hostname: 'sandbox' } : {}),
  HostConfig: hostConfig(parts),
});

const tmpBytes = (tmpMb: number, { memory_mb: memoryMb }: Limits): number =>
  Math.min(tmpMb, Math.floor(memoryMb / 2)) * MiB;

const hostConfig = ({ limits, tmpMb, volume, network, declared = [] }: ContainerParts): HostConfig => ({
  NetworkMode: network === null ? 'none' : `container:${network}`,
  // Without it a resolver of the host would be reachable through the engine (CVE-2024-29018), and its address be known.
  ...(network === null ? { Dns: ['127.0.0.1'] } : {}),
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges:true'],
  Privileged: false,
  IpcMode: 'private',
  // Reaps what the command leaves behind, and passes signals on to it.
  Init: true,
  AutoRemove: false,
  RestartPolicy: { Name: 'no' },
  PidsLimit: limits.pids,
  Memory: limits.memory_mb * MiB,
  // The same, so that there is no swap.
  MemorySwap: limits.memory_mb * MiB,
  NanoCpus: Math.round(limits.cpu * 1e9),
  // Where the host runs out of memory, commands go before services.
  OomScoreAdj: 500,
  ShmSize: 16 * MiB,
  Ulimits: [
    { Name: 'nofile', Soft: 4_096, Hard: 4_096 },
    { Name: 'core', Soft: 0, Hard: 0 },
    { Name: 'fsize', Soft: limits.disk_mb * MiB, Hard: limits.disk_mb * MiB },
  ],
  // Output goes to whoever attached; nothing of it stays on the host.
  LogConfig: { Type: 'none', Config: {} },
  // Well below the memory, or what fills it would be killed instead of refused.
  Tmpfs: {
    '/tmp': `rw,nosuid,nodev,noexec,size=${tmpBytes(tmpMb, limits)},nr_inodes=50k,uid=${owner.uid},gid=${owner.gid},mode=0700`,
  },
  // By name alone; a bind would make a missing folder of the host, as root.
  Mounts: [
    ...(volume === null ? [] : [{ Type: 'volume' as const, Source: volume, Target: places.volume }]),
    // The engine would make a volume for each, without any limit, and let programs run from it.
    ...declared.map((Target) => ({
      Type: 'tmpfs' as const,
      Source: '',
      Target,
      TmpfsOptions: { SizeBytes: tmpBytes(tmpMb, limits), Mode: 0o1777 },
    })),
  ],
});
