// The actors besides tasks. One file and one line here add a kind.
import type { ActorKindName } from '@capstan/contracts';
import type { ActorKind } from './actor.ts';
import { breaker } from './breaker.ts';
import { schedule } from './schedule.ts';
import { tenant } from './tenant.ts';

export const actorsByKind: Readonly<Partial<Record<ActorKindName, ActorKind<unknown>>>> = {
  breaker: breaker as ActorKind<unknown>,
  schedule: schedule as ActorKind<unknown>,
  tenant: tenant as ActorKind<unknown>,
};
