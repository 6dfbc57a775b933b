// The verifier's process.
import { runAgent } from '@capstan/kit';
import { newVerifier } from './verifier.ts';

await runAgent(newVerifier());
