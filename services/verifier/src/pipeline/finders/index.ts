// What finds the checks of a repository from its files, one line each. A later one knows what those before it found.
import type { Finder } from '../finder.ts';
import { go } from './go.ts';
import { make } from './make.ts';
import { node } from './node.ts';
import { python } from './python.ts';
import { rust } from './rust.ts';
import { scanners } from './scanners.ts';

export const finders: readonly Finder[] = [node, go, python, rust, scanners, make];
