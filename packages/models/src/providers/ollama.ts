// Ollama, by its own client. It holds a model to a JSON Schema while it writes.
import { reject, retry, Stopped } from '@capstan/kit';
import { Ollama } from 'ollama';
import type { Provider } from '../provider.ts';

export const ollama: Provider = {
  name: 'ollama',
  baseUrl: 'http://127.0.0.1:11434',
  async *ask(model, { messages, schema, temperature, maxTokens }, { fetch, signal, apiKey }) {
    const client = new Ollama({
      host: model.base_url,
      fetch: (input, init) => fetch(input, { ...init, signal }),
      ...(apiKey ? { headers: { authorization: `Bearer ${apiKey}` } } : {}),
    });
    try {
      const answer = await client.chat({
        model: model.model,
        messages: messages.map((message) => ({ ...message })),
        stream: true,
        ...(schema === undefined ? {} : { format: schema }),
        options: {
          num_predict: maxTokens,
          num_ctx: model.context_window,
          ...(temperature === undefined ? {} : { temperature }),
        },
      });
      for await (const { message, done, done_reason: reason, prompt_eval_count, eval_count } of answer) {
        if (message.content) yield { kind: 'text', text: message.content };
        if (!done) continue;
        yield { kind: 'usage', tokensIn: prompt_eval_count ?? 0, tokensOut: eval_count ?? 0 };
        yield { kind: 'end', reason: reason === 'length' ? 'length' : 'stop' };
      }
    } catch (error) {
      const { status_code: status, message } = error as { status_code?: number; message: string };
      if (status === undefined) throw error;
      const words = `Ollama answered ${status}: ${message.slice(0, 500)}`;
      if (status === 404)
        throw new Stopped(reject('model_missing', `${words} \`ollama pull ${model.model}\` fetches it.`));
      throw new Stopped(status === 429 || status >= 500 ? retry('model_busy', words) : reject('model_refused', words));
    }
  },
};
