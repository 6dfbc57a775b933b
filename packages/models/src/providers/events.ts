// A body of server-sent events, as the values of their `data`.
import { EventSourceParserStream } from 'eventsource-parser/stream';

export async function* eventsOf(response: Response): AsyncGenerator<Record<string, unknown>> {
  if (!response.body) return;
  const events = response.body.pipeThrough(new TextDecoderStream() as never).pipeThrough(new EventSourceParserStream());
  for await (const { data } of events as unknown as AsyncIterable<{ data: string }>) {
    if (data === '[DONE]') return;
    yield JSON.parse(data) as Record<string, unknown>;
  }
}
