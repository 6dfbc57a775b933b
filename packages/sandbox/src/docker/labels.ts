// How our containers and volumes are known again: on an engine that others use as well, nothing without these labels is touched.

export const label = {
  /** What it is for: `command`, `files`, `keeper`, `egress`, `warm`, `disk`, `volume`, `used`. */
  kind: 'capstan.sandbox',
  /** The process that made it. */
  owner: 'capstan.sandbox.owner',
  /** The installation. */
  scope: 'capstan.sandbox.scope',
  task: 'capstan.sandbox.task',
  step: 'capstan.sandbox.step',
  /** By when it is over, in milliseconds since 1970; whoever comes later takes it away. */
  deadline: 'capstan.sandbox.deadline',
  /** When the files of its task were last used, in milliseconds since 1970. */
  used: 'capstan.sandbox.used',
} as const;

export type Kind = 'command' | 'files' | 'keeper' | 'egress' | 'warm' | 'disk' | 'volume' | 'used';

/** Of one process, as long as it lives. */
export interface Owner {
  readonly id: string;
  readonly scope: string;
}

export const labelsOf = (
  kind: Kind,
  { id, scope }: Owner,
  more: { readonly task?: string; readonly step?: string; readonly usedMs?: number; readonly deadlineMs?: number } = {},
): Record<string, string> => ({
  [label.kind]: kind,
  [label.owner]: id,
  [label.scope]: scope,
  ...(more.task === undefined ? {} : { [label.task]: more.task }),
  ...(more.step === undefined ? {} : { [label.step]: more.step }),
  ...(more.deadlineMs === undefined ? {} : { [label.deadline]: String(more.deadlineMs) }),
  ...(more.usedMs === undefined ? {} : { [label.used]: String(more.usedMs) }),
});

/** As the engine's lists take them. */
export const having = (labels: Readonly<Record<string, string>>): { label: string[] } => ({
  label: Object.entries(labels).map(([name, value]) => `${name}=${value}`),
});
