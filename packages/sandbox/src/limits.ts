// What one step may use: what it asks for in `sandbox`, what the configuration gives where it doesn't, and no more than that allows.
import type { Order } from '@capstan/contracts';
import { type Config, reject, Stopped } from '@capstan/kit';

export interface Limits {
  readonly cpu: number;
  readonly memory_mb: number;
  readonly pids: number;
  readonly disk_mb: number;
}

export type SandboxConfig = Config['sandbox'];

/** A step that asks for more is refused, not given less: it would fail in a way that nobody understands. Throws `Stopped`. */
export const limitsOf = ({ sandbox }: Pick<Order, 'sandbox'>, { defaults, max }: SandboxConfig): Limits => {
  const of = (name: keyof Limits): number => {
    const asked = sandbox?.[name];
    const most = max[name];
    if (asked !== undefined && asked > most)
      throw new Stopped(
        reject(
          'sandbox_limit',
          `The step asks for sandbox.${name}: ${asked}, and at most ${most} is given here. Ask for less, or raise sandbox.max.${name} in the configuration.`,
        ),
      );
    return asked ?? Math.min(defaults[name], most);
  };
  return { cpu: of('cpu'), memory_mb: of('memory_mb'), pids: of('pids'), disk_mb: of('disk_mb') };
};
