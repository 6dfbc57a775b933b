// The templates that this planner knows, for whoever asks: by name, whole, or filled in as a plan. Any planner may answer, so all should know the same.
import { errorCodes, type ErrorCode, templateAsk, templateRender } from '@capstan/contracts';
import { type House, nearest, Stopped, version } from '@capstan/kit';
import type { z } from 'zod';
import { renderTemplate } from './render.ts';
import type { Template, Templates } from './templates.ts';

type Answers = Readonly<Record<string, (body: unknown) => object>>;

class Refused extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export const serveTemplates = ({ bus }: Pick<House, 'bus'>, templates: Templates) => {
  const answers: Answers = {
    list: () => ({
      templates: [...templates.values()].map(({ name, description, params }) => ({ name, description, params })),
    }),
    get: (body) => known(templates, read(templateAsk, body).name),
    render: (body) => {
      const { name, params } = read(templateRender, body);
      known(templates, name);
      return { name, plan: renderTemplate(templates, { name, params }) };
    },
  };
  return bus.serve({
    name: bus.names.namespace,
    version,
    description: 'Capstan: templates of plans',
    endpoints: Object.entries(answers).map(([verb, answer]) => ({
      name: `template-${verb}`,
      subject: bus.names.api('template', verb),
      on: async ({ data }) => {
        try {
          return { data: JSON.stringify(answer(JSON.parse(Buffer.from(data).toString('utf8') || '{}'))) };
        } catch (error) {
          const code = codeOf(error);
          const { message } = error as Error;
          return { data: JSON.stringify({ error: { code, message } }), error: { code: errorCodes[code], message } };
        }
      },
    })),
  });
};

const read = <Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Refused('invalid', `${issue?.path.map(String).join('.') || 'The body'} ${issue?.message}.`);
};

const known = (templates: Templates, name: string): Template => {
  const template = templates.get(name);
  if (template !== undefined) return template;
  const near = nearest(name, [...templates.keys()]);
  throw new Refused('not_found', `There is no template "${name}"${near === null ? '' : `; was "${near}" meant?`}.`);
};

/** What is wrong with a body or with parameters is whoever asked to mend. */
const codeOf = (error: unknown): ErrorCode => {
  if (error instanceof Refused) return error.code;
  return error instanceof Stopped || error instanceof SyntaxError ? 'invalid' : 'internal';
};
