// How much of a workspace is read into memory at once.
import { reject, Stopped } from '@capstan/kit';

export const readBytesMax = 16 * 1_024 * 1_024;

export const tooLarge = (path: string, size: number, bytesMax: number): Stopped =>
  new Stopped(reject('file_too_large', `"${path}" has ${size} bytes; at most ${bytesMax} are read at once.`));
