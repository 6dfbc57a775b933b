// Anthropic's messages.
import { retry, Stopped } from '@capstan/kit';
import type { Provider } from '../provider.ts';
import { eventsOf } from './events.ts';
import { refused } from './refusal.ts';

interface Event {
  readonly type: string;
  readonly message?: { usage?: { input_tokens?: number; output_tokens?: number } };
  readonly delta?: { type?: string; text?: string; stop_reason?: string | null };
  readonly usage?: { output_tokens?: number };
  readonly error?: { type?: string; message?: string };
}

export const anthropic: Provider = {
  name: 'anthropic',
  baseUrl: 'https://api.anthropic.com',
  async *ask(model, { messages, temperature, maxTokens }, { fetch, signal, apiKey }) {
    const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
    const response = await fetch(`${model.base_url.replace(/\/$/, '')}/v1/messages`, {
      method: 'POST',
      signal,
      headers: {
        'content-type': 'application/json',
        'anthropic-version': '2023-06-01',
        ...(apiKey ? { 'x-api-key': apiKey } : {}),
      },
      body: JSON.stringify({
        model: model.model,
        max_tokens: maxTokens,
        stream: true,
        ...(system.length > 0 ? { system: system.join('\n\n') } : {}),
        messages: messages.filter(({ role }) => role !== 'system'),
        ...(temperature === undefined ? {} : { temperature }),
      }),
    });
    if (!response.ok) throw await refused(`The model "${model.model}"`, response);
    for await (const event of eventsOf(response) as AsyncIterable<Event>) {
      if (event.type === 'error')
        throw new Stopped(
          retry('model_failed', `The model ended in the middle: ${event.error?.message ?? 'no reason given'}`),
        );
      if (event.type === 'message_start' && event.message?.usage?.input_tokens !== undefined)
        yield { kind: 'usage', tokensIn: event.message.usage.input_tokens };
      if (event.type === 'content_block_delta' && event.delta?.type === 'text_delta')
        yield { kind: 'text', text: event.delta.text ?? '' };
      if (event.type === 'message_delta') {
        if (event.usage?.output_tokens !== undefined) yield { kind: 'usage', tokensOut: event.usage.output_tokens };
        const reason = event.delta?.stop_reason;
        if (reason)
          yield { kind: 'end', reason: reason === 'max_tokens' ? 'length' : reason === 'refusal' ? 'refusal' : 'stop' };
      }
    }
  },
};
