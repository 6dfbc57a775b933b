// Somebody else wrote: what this process believes is not what is stored, and counts for nothing any more.

export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}
