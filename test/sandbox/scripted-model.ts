// In the place of a language model: a server that speaks OpenAI's chat completions as published, streamed and with calls of tools, and says
// what a script tells it. It understands nothing; whoever talks to it must speak the protocol all the same.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Call {
  readonly name: string;
  readonly arguments: object;
}

interface Message {
  readonly role: string;
  readonly content?: unknown;
}
export interface Asked {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
  readonly stream?: boolean;
  readonly key: string | undefined;
}

export interface ScriptedModel extends AsyncDisposable {
  /** host:port */
  readonly place: string;
  readonly asked: Asked[];
  /** Called for one after the other, each once the last has answered; then it says that it is done. */
  script: readonly Call[];
}

/** Not 127.0.0.1, which programs take for themselves and ask no proxy for: in a sandbox it is that of the sandbox. */
const address = '127.0.0.2';

export const startModel = async (): Promise<ScriptedModel> => {
  const asked: Asked[] = [];
  const server = createServer((request, response) => void answer(request, response)).listen(0, address);
  await once(server, 'listening');
  const model: ScriptedModel = {
    place: `${address}:${(server.address() as AddressInfo).port}`,
    asked,
    script: [],
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method !== 'POST' || request.url !== '/v1/chat/completions')
      return void response.writeHead(404, json).end('{"error":{"message":"There is nothing here."}}');
    const question = JSON.parse(Buffer.concat(chunks).toString()) as Omit<Asked, 'key'>;
    asked.push({ ...question, key: request.headers.authorization });
    const answered = question.messages.filter(({ role }) => role === 'tool').length;
    // What has no tools is asked beside the work, such as a title for it.
    const call = question.tools === undefined ? undefined : model.script[answered];
    if (question.stream === true) stream(response, question.model, call, answered);
    else response.writeHead(200, json).end(JSON.stringify(whole(question.model, call, answered)));
  };
  return model;
};

const json = { 'content-type': 'application/json' };
const done = 'It is mended.';
const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const head = (model: string) => ({ id: 'chatcmpl-1', created: 1_700_000_000, model });

const toolCall = ({ name, arguments: given }: Call, nth: number) => ({
  id: `call_${nth}`,
  type: 'function',
  function: { name, arguments: JSON.stringify(given) },
});

const whole = (model: string, call: Call | undefined, nth: number) => ({
  ...head(model),
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      finish_reason: call ? 'tool_calls' : 'stop',
      message: {
        role: 'assistant',
        content: call ? null : done,
        ...(call ? { tool_calls: [toolCall(call, nth)] } : {}),
      },
    },
  ],
  usage,
});

const stream = (response: ServerResponse, model: string, call: Call | undefined, nth: number): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const send = (body: object) =>
    response.write(`data: ${JSON.stringify({ ...head(model), object: 'chat.completion.chunk', ...body })}\n\n`);
  const choice = (delta: object, finish: string | null = null) =>
    send({ choices: [{ index: 0, delta, finish_reason: finish }] });
  choice({ role: 'assistant', content: '' });
  if (call === undefined) {
    for (const word of done.split(/(?= )/)) choice({ content: word });
    choice({}, 'stop');
  } else {
    const { function: named, ...rest } = toolCall(call, nth);
    choice({ tool_calls: [{ index: 0, ...rest, function: { name: named.name, arguments: '' } }] });
    for (const piece of named.arguments.match(/[^]{1,20}/g) ?? [])
      choice({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
    choice({}, 'tool_calls');
  }
  send({ choices: [], usage });
  response.end('data: [DONE]\n\n');
};
