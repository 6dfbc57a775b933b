// Asks models: one place for limits, the memory of answers, and answers that must be of a shape.
import { type House, newFetch, reject, retry, Stopped, type ToldRequest } from '@capstan/kit';
import { type Answers, keyOf, newAnswers } from './answers.ts';
import { checkAgainst } from './json-schema.ts';
import type { ModelEntry, ModelsFile } from './models-file.ts';
import type { Message, Provider, Question } from './provider.ts';
import { providers } from './providers/index.ts';
import { newSlots, type Slots } from './slots.ts';

export interface Asked {
  /** A name from the models file; its default where absent. */
  readonly model?: string | undefined;
  readonly messages: readonly Message[];
  /** JSON Schema that the answer must pass. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined;
  /** How often an answer that does not pass is sent back with what is wrong. */
  readonly repairsMax?: number | undefined;
  readonly temperature?: number | undefined;
  readonly maxTokens?: number | undefined;
  /** Whether an answer to the same question may be given again. */
  readonly cache?: boolean | undefined;
  /** Questions of different tenants are different questions. */
  readonly tenant: string;
  readonly signal: AbortSignal;
  readonly onText?: (text: string) => void;
  readonly told?: (request: ToldRequest) => void;
  /** Hears the key of the model before it is used. */
  readonly secret?: (value: string) => void;
  /** An answer that holds a secret is not remembered. */
  readonly masked?: (text: string) => string;
}

export interface Answered {
  readonly text: string;
  /** Where there was a schema. */
  readonly json?: unknown;
  readonly model: string;
  /** Of the question, by which its answer is remembered. */
  readonly key: string;
  readonly cached: boolean;
  readonly repairs: number;
  readonly usage: { readonly tokens_in: number; readonly tokens_out: number };
}

export interface Models {
  /** Throws `Stopped`, its usage included where tokens were spent. */
  ask(asked: Asked): Promise<Answered>;
  readonly names: readonly string[];
}

interface Model {
  readonly name: string;
  readonly entry: ModelEntry & { readonly base_url: string };
  readonly provider: Provider;
  readonly slots: Slots;
}

export const newModels = (file: ModelsFile, house: House): Models => {
  const models = new Map<string, Model>();
  for (const [name, entry] of Object.entries(file.models)) {
    const provider = providers.find((one) => one.name === entry.provider) as Provider;
    const base_url = entry.base_url ?? provider.baseUrl;
    models.set(name, { name, entry: { ...entry, base_url }, provider, slots: newSlots(entry.concurrency) });
  }
  const answers = newAnswers(house);
  return {
    names: [...models.keys()],
    ask: async (asked) => {
      const name = asked.model ?? file.default ?? '';
      const model = models.get(name);
      if (!model)
        throw new Stopped(
          reject(
            'model_unknown',
            `There is no model "${name}"; the models file has ${[...models.keys()].join(', ') || 'none'}.`,
          ),
        );
      return askChecked(model, asked, house, answers);
    },
  };
};

const repairsDefault = 2;

const askChecked = async (model: Model, asked: Asked, house: House, answers: Answers): Promise<Answered> => {
  const messages = [...asked.messages];
  const usage = { tokens_in: 0, tokens_out: 0 };
  const first = keyOf(identity(model, asked, messages));
  const check = (text: string): { json?: unknown; wrong: string | null } => {
    if (!asked.schema) return { wrong: null };
    const read = readJson(text);
    return 'wrong' in read ? read : { json: read.json, wrong: checkAgainst(asked.schema, read.json) };
  };
  const kept = asked.cache === false ? null : await answers.get(first);
  if (kept) {
    const { wrong, ...value } = check(kept.text);
    if (wrong === null) {
      asked.onText?.(kept.text);
      return { ...value, text: kept.text, model: model.name, key: first, cached: true, repairs: 0, usage };
    }
  }
  for (let repairs = 0; ; repairs++) {
    const { text, reason } = await askOnce(model, { ...asked, messages }, usage, house);
    const base = { text, model: model.name, key: first, cached: false, repairs, usage };
    const stop = (code: string, message: string) =>
      new Stopped({ ...retry(code, message, { usage, output: { text, key: first } }) });
    if (reason === 'refusal')
      throw new Stopped(reject('model_declined', 'The model declined to answer.', { usage, output: { text } }));
    if (reason === 'length' && asked.schema)
      throw stop(
        'model_cut_off',
        `The answer of "${model.name}" was cut off by its limit of tokens; raise max_tokens.`,
      );
    const { wrong, ...value } = check(text);
    if (wrong === null) {
      // Only what passed, or a wrong answer would be given to everybody who asks the same, and each would pay for its repair.
      const isHarmless = (asked.masked?.(text) ?? text) === text;
      if (asked.cache !== false && reason === 'stop' && isHarmless) await answers.put(first, { text, reason });
      return { ...base, ...value };
    }
    if (repairs >= (asked.repairsMax ?? repairsDefault))
      throw stop(
        'model_invalid_output',
        `The answer of "${model.name}" is not of the shape that was asked for, after ${repairs} repairs: ${wrong}.`,
      );
    asked.onText?.(`\n[the answer does not pass: ${wrong}; asking again]\n`);
    messages.push(
      { role: 'assistant', content: text || '(nothing)' },
      {
        role: 'user',
        content: `That does not pass: ${wrong}. Answer again with the whole JSON, corrected, and nothing else.`,
      },
    );
  }
};

const identity = (
  { entry, provider }: Model,
  { schema, temperature, maxTokens, tenant }: Asked,
  messages: readonly Message[],
) => [
  tenant,
  provider.name,
  entry.base_url,
  entry.model,
  temperature ?? entry.temperature ?? null,
  maxTokens ?? entry.max_tokens,
  schema ?? null,
  messages,
];

const askOnce = async (
  model: Model,
  asked: Asked,
  usage: { tokens_in: number; tokens_out: number },
  house: House,
): Promise<{ text: string; reason: 'stop' | 'length' | 'refusal' }> => {
  const { entry, provider } = model;
  const apiKey = entry.api_key === undefined ? undefined : String(await house.resolve(entry.api_key));
  if (apiKey) asked.secret?.(apiKey);
  const giveBack = await model.slots.take(asked.signal);
  const silence = new AbortController();
  let watch = setTimeout(() => silence.abort(), entry.timeout_ms);
  const signal = AbortSignal.any([asked.signal, silence.signal]);
  let text = '';
  let reason: 'stop' | 'length' | 'refusal' | null = null;
  try {
    const question: Question = {
      messages: asked.messages,
      schema: asked.schema,
      temperature: asked.temperature ?? entry.temperature,
      maxTokens: asked.maxTokens ?? entry.max_tokens,
    };
    const url = new URL(entry.base_url);
    const place = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
    const fetch = newFetch({
      places: { allow: [place], only: [[place]] },
      timeoutMs: answerMsMax,
      signal,
      ...(asked.told ? { told: asked.told } : {}),
    });
    for await (const piece of provider.ask(entry, question, { fetch, signal, apiKey })) {
      clearTimeout(watch);
      watch = setTimeout(() => silence.abort(), entry.timeout_ms);
      if (piece.kind === 'text') {
        text += piece.text;
        asked.onText?.(piece.text);
        if (text.length > textMax)
          throw new Stopped(reject('model_too_long', `The answer is longer than ${textMax} characters.`));
      } else if (piece.kind === 'end') reason = piece.reason;
      else {
        usage.tokens_in += piece.tokensIn ?? 0;
        usage.tokens_out += piece.tokensOut ?? 0;
      }
    }
  } catch (error) {
    if (asked.signal.aborted) throw error;
    if (silence.signal.aborted)
      throw new Stopped(
        retry('model_timeout', `The model "${model.name}" said nothing for ${entry.timeout_ms} ms.`, { usage }),
      );
    if (error instanceof Stopped) throw new Stopped({ ...error.outcome, usage });
    throw new Stopped(
      retry('model_unavailable', `The model "${model.name}" is out of reach: ${(error as Error).message}`, { usage }),
    );
  } finally {
    clearTimeout(watch);
    giveBack();
  }
  // A stream that just ends was cut, and half an answer is none.
  if (reason === null)
    throw new Stopped(
      retry('model_failed', `The answer of "${model.name}" ended in the middle.`, { usage, output: { text } }),
    );
  return { text, reason };
};

const answerMsMax = 3_600_000;
const textMax = 8 * 1_024 * 1_024;

/** Models like to wrap JSON into a fence, or a sentence. */
const readJson = (text: string): { json: unknown } | { wrong: string } => {
  const fenced = /```(?:json)?\s*\n([\s\S]*?)\n\s*```/.exec(text)?.[1];
  const first = text.search(/[[{]/);
  const last = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  for (const candidate of [text, fenced, first >= 0 ? text.slice(first, last + 1) : undefined]) {
    if (candidate === undefined) continue;
    try {
      return { json: JSON.parse(candidate) as unknown };
    } catch {
      // The next way of reading it.
    }
  }
  return { wrong: 'it is no JSON' };
};
