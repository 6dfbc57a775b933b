// What an HTTP status of a provider means for whoever asked. The bodies of errors are of one kind everywhere: words in `error.message`.
import { type Failed, reject, retry, retryAfterMs, Stopped } from '@capstan/kit';

export const refused = async (provider: string, response: Response): Promise<Stopped> => {
  const { status } = response;
  const said = `${provider} answered ${status}${await wordsOf(response)}`;
  return new Stopped(
    outcomeOf(status, said, retryAfterMs(response.headers.get('retry-after') ?? undefined, Date.now())),
  );
};

const outcomeOf = (status: number, said: string, afterMs: number | null): Failed => {
  if (status === 401 || status === 403)
    return reject('model_unauthorized', `${said} Is the key of this model in the models file right?`);
  if (status === 404) return reject('model_missing', `${said} Is the name of the model in the models file right?`);
  // 529 is how Anthropic says that it is overloaded.
  if (status === 408 || status === 429 || status >= 500)
    return retry('model_busy', said, afterMs === null ? {} : { afterMs });
  return reject('model_refused', said);
};

const wordsOf = async (response: Response): Promise<string> => {
  const text = await response.text().catch(() => '');
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } | string };
    const words = typeof error === 'string' ? error : error?.message;
    return words ? `: ${words.slice(0, 500)}` : '.';
  } catch {
    return text ? `: ${text.slice(0, 200)}` : '.';
  }
};
