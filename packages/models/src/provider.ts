// What a provider of language models does: one question, answered piece by piece. Where and by which shape is each one's own business.
import type { ModelEntry } from './models-file.ts';

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface Question {
  readonly messages: readonly Message[];
  /** The answer should be JSON of this shape; a provider that can hold a model to it does. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined;
  readonly temperature?: number | undefined;
  readonly maxTokens: number;
}

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'usage'; readonly tokensIn?: number; readonly tokensOut?: number }
  /** `length` where the answer was cut off by its limit. */
  | { readonly kind: 'end'; readonly reason: 'stop' | 'length' | 'refusal' };

export interface Reach {
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  readonly apiKey: string | undefined;
}

export interface Provider {
  readonly name: string;
  /** Where it is, unless the models file says. */
  readonly baseUrl: string;
  /** Throws `Stopped`, or what the network throws. */
  ask(model: ModelEntry & { readonly base_url: string }, question: Question, reach: Reach): AsyncIterable<Piece>;
}
