// What a command sees of the world: who it works for, and where it may write. Nothing of this process's own environment.
import type { Order } from '@capstan/contracts';

export const commandEnvironment = (
  order: Pick<Order, 'task_id' | 'step_id' | 'attempt'>,
  home: string,
): Record<string, string> => ({
  HOME: home,
  LANG: 'C.UTF-8',
  TERM: 'dumb',
  // Many tools then ask no questions and draw no progress bars.
  CI: '1',
  GIT_TERMINAL_PROMPT: '0',
  CAPSTAN_TASK_ID: order.task_id,
  CAPSTAN_STEP_ID: order.step_id,
  CAPSTAN_ATTEMPT: String(order.attempt),
  CAPSTAN_KEY: `${order.task_id}.${order.step_id}.${order.attempt}`,
});
