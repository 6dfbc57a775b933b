// Actors besides tasks: what holds state of its own. Their ids are no task's: Capstan's own begin with "_", and then say their kind.

export const actorKinds = ['breaker', 'tenant', 'schedule'] as const;
export type ActorKindName = (typeof actorKinds)[number];

/** Whatever a name holds, the id is one token of a subject and one of a bucket's key. */
export const actorId = (kind: ActorKindName, name: string): string =>
  `_${kind}-${name.replaceAll(/[^A-Za-z0-9_-]/g, (letter) => `=${(letter.codePointAt(0) ?? 0).toString(16)}`)}`;

export const actorKindOf = (id: string): ActorKindName | null =>
  id.startsWith('_') ? (actorKinds.find((kind) => id.startsWith(`_${kind}-`)) ?? null) : null;
