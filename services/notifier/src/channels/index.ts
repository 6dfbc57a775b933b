// The channels of the notifier, one line each.
import type { Channel } from '../channel.ts';
import { log } from './log.ts';
import { webhook } from './webhook.ts';

export const channels: readonly Channel[] = [log, webhook];
