// What others see of an actor: a circuit that changed is told to every coordinator, since any of them may hand out its orders.
import type { BreakerState } from '@capstan/engine';
import type { Turnstile } from '../turnstile.ts';
import type { World } from '../world.ts';
import type { Hosted } from './host.ts';

export const showActor = (world: World, turnstile: Turnstile, { id, kind, seq, rules, state }: Hosted): void => {
  if (kind.kind !== 'breaker') return;
  const circuit = { id, seq, rules, state: state as BreakerState };
  turnstile.circuits.show(circuit);
  world.bus.tell(world.names.circuit, JSON.stringify(circuit));
};
