// The executor's process.
import { runAgent } from '@capstan/kit';
import { newExecutor } from './executor.ts';

await runAgent(newExecutor());
