// The providers of models, one line each.
import type { Provider } from '../provider.ts';
import { anthropic } from './anthropic.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';

export const providers: readonly Provider[] = [ollama, openai, anthropic];
