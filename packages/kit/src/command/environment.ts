// What a command sees of the world: enough to find programs, and who it works for. Nothing of this process's own environment.
import type { Order } from '@capstan/contracts';

export const commandEnvironment = (
  order: Pick<Order, 'task_id' | 'step_id' | 'attempt'>,
  home: string,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
  HOME: home,
  TMPDIR: home,
  LANG: 'C.UTF-8',
  TERM: 'dumb',
  // Many tools then ask no questions and draw no progress bars.
  CI: '1',
  CAPSTAN_TASK_ID: order.task_id,
  CAPSTAN_STEP_ID: order.step_id,
  CAPSTAN_ATTEMPT: String(order.attempt),
  CAPSTAN_KEY: `${order.task_id}.${order.step_id}.${order.attempt}`,
  ...more,
});
