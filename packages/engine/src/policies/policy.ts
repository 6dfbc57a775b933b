// A policy judges a step before it is dispatched, or a phase before it is left. Pure: what it needs comes in with the state and the event.
import type { Json, PolicyMode, Risk, Settings } from '@capstan/contracts';
import type { Draft } from '../draft.ts';
import type { GroupState } from '../state.ts';

export type Metadata = Readonly<Record<string, string | number | boolean>>;

export type Judgement =
  | { readonly allowed: true }
  /** Only a person may let it pass, who is asked for this policy alone. */
  | {
      readonly allowed: false;
      readonly ask: { readonly roles: readonly string[]; readonly expiresMs: number; readonly risk: Risk };
      readonly reason: string;
    }
  /** Not yet: its turn will come. */
  | { readonly allowed: false; readonly wait: true; readonly reason: string; readonly metadata: Metadata }
  /** Not at all. */
  | { readonly allowed: false; readonly deny: true; readonly reason: string; readonly metadata: Metadata };

export interface Policy {
  readonly name: string;
  readonly description: string;
  /** What the installation says of it; one that says nothing here is always in force. */
  mode?(settings: Settings): PolicyMode;
  /** It judges the check of a step as well, which has no input of its own. */
  readonly ofChecks?: true;
  /** `input` is what the step would be ordered with. */
  judge?(draft: Draft, slot: number, input: Record<string, Json>): Judgement;
  /** A phase that is over, and would be passed. */
  judgePhase?(draft: Draft, at: number, state: GroupState): Judgement;
}

export const allowed: Judgement = { allowed: true };
