// What reads findings out of the output of a check, one line each; the first that knows the output is taken, and the last knows any.
import type { Verifier } from '../reads-output.ts';
import { biome } from './biome.ts';
import { cargo } from './cargo.ts';
import { eslint } from './eslint.ts';
import { gitleaks } from './gitleaks.ts';
import { go } from './go.ts';
import { goTest } from './go-test.ts';
import { golangciLint } from './golangci-lint.ts';
import { jest } from './jest.ts';
import { junit } from './junit.ts';
import { nodeTest } from './node-test.ts';
import { npmAudit } from './npm-audit.ts';
import { osvScanner } from './osv-scanner.ts';
import { oxlint } from './oxlint.ts';
import { places } from './places.ts';
import { pytest } from './pytest.ts';
import { sarif } from './sarif.ts';
import { tail } from './tail.ts';
import { tap } from './tap.ts';
import { tsc } from './tsc.ts';

export const verifiers: readonly Verifier[] = [
  // By a document of their own
  sarif,
  eslint,
  biome,
  oxlint,
  jest,
  golangciLint,
  npmAudit,
  osvScanner,
  gitleaks,
  junit,
  // By lines
  goTest,
  cargo,
  tap,
  nodeTest,
  pytest,
  tsc,
  go,
  places,
  tail,
];
