// The notifier's process.
import { runAgent } from '@capstan/kit';
import { newNotifier } from './notifier.ts';

await runAgent(newNotifier());
