// Every kind of trouble that there is.
import { cluster } from './cluster.ts';
import { disk } from './disk.ts';
import { forged } from './forged.ts';
import { frozen } from './frozen.ts';
import { outage } from './outage.ts';
import { owners } from './owners.ts';
import { points } from './points.ts';
import { rollback } from './rollback.ts';
import type { Scenario } from './scenario.ts';
import { archiving, storm } from './storm.ts';

export const scenarios: readonly Scenario[] = [
  storm,
  archiving,
  points,
  owners,
  frozen,
  forged,
  cluster,
  disk,
  outage,
  rollback,
];
