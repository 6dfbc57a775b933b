// The planner's process.
import { runAgent } from '@capstan/kit';
import { newPlanner } from './planner.ts';

await runAgent(newPlanner());
