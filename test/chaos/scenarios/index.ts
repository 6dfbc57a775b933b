// Every kind of trouble that there is.
import { points } from './points.ts';
import type { Scenario } from './scenario.ts';
import { storm } from './storm.ts';

export const scenarios: readonly Scenario[] = [storm, points];
