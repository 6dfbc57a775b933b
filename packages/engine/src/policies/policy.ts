// A policy judges a step before it is dispatched. Pure: what it needs comes in with the state and the event.
import type { Json, Risk } from '@capstan/contracts';
import type { Draft } from '../draft.ts';

export type Judgement =
  | { readonly allowed: true }
  /** Only a person may let it pass. */
  | {
      readonly allowed: false;
      readonly ask: { readonly roles: readonly string[]; readonly expiresMs: number; readonly risk: Risk };
      readonly reason: string;
    }
  /** Not at all. */
  | {
      readonly allowed: false;
      readonly deny: true;
      readonly reason: string;
      readonly metadata: Readonly<Record<string, string | number>>;
    };

export interface Policy {
  readonly name: string;
  readonly description: string;
  /** `input` is what the step would be ordered with. */
  judge(draft: Draft, slot: number, input: Record<string, Json>): Judgement;
}

export const allowed: Judgement = { allowed: true };
