// For tests: a server that speaks as OpenAI, Anthropic and Ollama publish that they do, and says what the test wants.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Heard {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Record<string, unknown> & { readonly messages: readonly { role: string; content: string }[] };
}

export interface Said {
  /** The answer, in these pieces. */
  readonly pieces?: readonly string[];
  readonly reason?: 'stop' | 'length' | 'cut';
  /** An error instead. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Not before this. */
  readonly after?: Promise<unknown>;
}

export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  readonly heard: Heard[];
}

export const startModelServer = async (answer: (heard: Heard) => Said): Promise<ModelServer> => {
  const heard: Heard[] = [];
  const on = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = await hear(request);
    heard.push(one);
    const said = answer(one);
    await said.after;
    if (said.status !== undefined) {
      response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers });
      response.end(JSON.stringify({ error: { message: `Status ${said.status} was wanted.`, type: 'error' } }));
      return;
    }
    const speak = tongues[one.path];
    if (speak) speak(response, said);
    else response.writeHead(404).end('{}');
  };
  const server = createServer((request, response) => void on(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

const hear = async (request: IncomingMessage): Promise<Heard> => ({
  path: request.url ?? '',
  headers: request.headers,
  body: JSON.parse((await request.toArray()).join('')) as Heard['body'],
});

/** Each question counts 7 tokens, each answer as many as it has pieces. */
const tokensIn = 7;

type Speak = (response: ServerResponse, said: Said) => void;

const openai: Speak = (response, { pieces = [], reason = 'stop' }) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const chunk = (value: object) =>
    response.write(`data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'm', ...value })}\n\n`);
  chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] });
  for (const content of pieces) chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
  if (reason === 'cut') return void response.destroy();
  chunk({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
  chunk({ choices: [], usage: { prompt_tokens: tokensIn, completion_tokens: pieces.length } });
  response.end('data: [DONE]\n\n');
};

const anthropic: Speak = (response, { pieces = [], reason = 'stop' }) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const event = (type: string, value: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`);
  event('message_start', {
    message: { id: 'm', role: 'assistant', content: [], usage: { input_tokens: tokensIn, output_tokens: 1 } },
  });
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  event('ping', {});
  for (const text of pieces) event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  if (reason === 'cut') event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } });
  else {
    event('content_block_stop', { index: 0 });
    const stop_reason = reason === 'length' ? 'max_tokens' : 'end_turn';
    event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: pieces.length } });
    event('message_stop', {});
  }
  response.end();
};

const ollama: Speak = (response, { pieces = [], reason = 'stop' }) => {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const line = (value: object) =>
    response.write(`${JSON.stringify({ model: 'm', created_at: '2026-01-01T00:00:00Z', ...value })}\n`);
  for (const content of pieces) line({ message: { role: 'assistant', content }, done: false });
  if (reason === 'cut') return void response.destroy();
  line({
    message: { role: 'assistant', content: '' },
    done: true,
    done_reason: reason,
    prompt_eval_count: tokensIn,
    eval_count: pieces.length,
  });
  response.end();
};

const tongues: Readonly<Record<string, Speak>> = {
  '/v1/chat/completions': openai,
  '/v1/messages': anthropic,
  '/api/chat': ollama,
};
