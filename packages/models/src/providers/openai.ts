// OpenAI's chat completions, which most servers of models speak too: vLLM, llama.cpp, LM Studio, LiteLLM, Azure, Mistral, Groq.
import { retry, Stopped } from '@capstan/kit';
import type { Provider } from '../provider.ts';
import { eventsOf } from './events.ts';
import { refused } from './refusal.ts';

interface Chunk {
  readonly choices?: readonly {
    delta?: { content?: string | null; refusal?: string | null };
    finish_reason?: string | null;
  }[];
  readonly usage?: { prompt_tokens?: number; completion_tokens?: number } | null;
  readonly error?: { message?: string };
}

export const openai: Provider = {
  name: 'openai',
  baseUrl: 'https://api.openai.com/v1',
  async *ask(model, { messages, schema, temperature, maxTokens }, { fetch, signal, apiKey }) {
    const strict = schema !== undefined && model.capabilities.includes('json_schema');
    const response = await fetch(`${model.base_url.replace(/\/$/, '')}/chat/completions`, {
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json', ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}) },
      body: JSON.stringify({
        model: model.model,
        messages,
        stream: true,
        stream_options: { include_usage: true },
        [model.capabilities.includes('max_completion_tokens') ? 'max_completion_tokens' : 'max_tokens']: maxTokens,
        ...(temperature === undefined ? {} : { temperature }),
        ...(strict ? { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } } : {}),
      }),
    });
    if (!response.ok) throw await refused(`The model "${model.model}"`, response);
    for await (const chunk of eventsOf(response) as AsyncIterable<Chunk>) {
      if (chunk.error)
        throw new Stopped(retry('model_failed', `The model ended in the middle: ${chunk.error.message}`));
      const [choice] = chunk.choices ?? [];
      if (choice?.delta?.content) yield { kind: 'text', text: choice.delta.content };
      if (choice?.delta?.refusal) yield { kind: 'end', reason: 'refusal' };
      if (choice?.finish_reason) yield { kind: 'end', reason: choice.finish_reason === 'length' ? 'length' : 'stop' };
      const { prompt_tokens: tokensIn, completion_tokens: tokensOut } = chunk.usage ?? {};
      if (chunk.usage)
        yield {
          kind: 'usage',
          ...(tokensIn === undefined ? {} : { tokensIn }),
          ...(tokensOut === undefined ? {} : { tokensOut }),
        };
    }
  },
};
