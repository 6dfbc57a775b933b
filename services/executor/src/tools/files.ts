// Files of the workspace: read, written, edited, or changed by a unified diff. What is changed together changes as a whole or not at all.
import { createHash } from 'node:crypto';
import { done, reject, Stopped } from '@capstan/kit';
import type { Workspace } from '@capstan/sandbox';
import { z } from 'zod';
import { applyDiff, type Changed } from '../files/apply-diff.ts';
import { staysInside } from '../files/stays-inside.ts';
import { defineTool, type ToolContext } from '../tool.ts';

const path = z
  .string()
  .min(1)
  .max(4_096)
  .regex(/^[^\0]*$/, 'must not have a NUL in it');

const read = z.looseObject({
  action: z.literal('read'),
  path,
  encoding: z.enum(['text', 'base64']).default('text'),
  max_bytes: z
    .int()
    .min(1)
    .max(64 * 1_024 * 1_024)
    .default(4 * 1_024 * 1_024),
});
const write = z.looseObject({
  action: z.literal('write'),
  files: z
    .array(
      z
        .looseObject({
          path,
          content: z.string().optional(),
          base64: z.base64().optional(),
          executable: z.boolean().default(false),
        })
        .refine(({ content, base64 }) => (content === undefined) !== (base64 === undefined), {
          path: ['content'],
          error: 'must be there, or "base64", and not both',
        }),
    )
    .min(1)
    .max(10_000),
});
const edit = z.looseObject({
  action: z.literal('edit'),
  path,
  edits: z
    .array(
      z.looseObject({
        find: z.string().min(1).describe('Must be there exactly once, unless "all" is true'),
        replace: z.string(),
        all: z.boolean().default(false),
      }),
    )
    .min(1)
    .max(1_000),
});
const patch = z.looseObject({
  action: z.literal('patch'),
  patch: z.string().min(1).describe('A unified diff of one file or many, as git writes it'),
  fuzz: z.int().min(0).max(3).default(0).describe('How many lines of context of a hunk may differ'),
});

type Edit = z.output<typeof edit>['edits'][number];

const changed = z.strictObject({ path: z.string(), change: z.enum(['written', 'removed']), size: z.int() });

export const files = defineTool({
  name: 'files',
  description: 'Reads, writes or edits files of the workspace, or applies a unified diff to them.',
  input: z.discriminatedUnion('action', [read, write, edit, patch]),
  output: z.strictObject({
    path: z.string().optional(),
    content: z.string().optional(),
    size: z.int().optional(),
    sha256: z.string().optional(),
    changed: z.array(changed).optional(),
  }),
  risk: 'low',
  needs: { sandbox: true },
  run: async (asked, context) => {
    const workspace = await context.sandbox.open(context.order, context);
    try {
      switch (asked.action) {
        case 'read': {
          await staysInside(workspace, context.sandbox.kind, [asked.path]);
          const data = await workspace.read(asked.path, asked.max_bytes);
          if (data === null) return reject('file_missing', `There is no file "${asked.path}" in the workspace.`);
          const content = data.toString(asked.encoding === 'text' ? 'utf8' : 'base64');
          const sha256 = createHash('sha256').update(data).digest('hex');
          return done({ path: asked.path, content, size: data.length, sha256 });
        }
        case 'write':
          return done(
            await store(
              workspace,
              context,
              asked.files.map(({ path: name, content, base64, executable }) => ({
                path: name,
                data: content === undefined ? Buffer.from(base64 as string, 'base64') : Buffer.from(content),
                executable,
              })),
            ),
          );
        case 'edit': {
          const before = await textOf(workspace, context, asked.path);
          const data = Buffer.from(asked.edits.reduce((text, one, at) => replaced(text, one, at, asked.path), before));
          return done(await store(workspace, context, [{ path: asked.path, data }]));
        }
        case 'patch':
          return done(
            await store(
              workspace,
              context,
              await applyDiff(asked.patch, asked.fuzz, async (name) => {
                await staysInside(workspace, context.sandbox.kind, [name]);
                return (await workspace.read(name))?.toString('utf8') ?? null;
              }),
            ),
          );
        default:
          return asked satisfies never;
      }
    } finally {
      workspace.release();
    }
  },
});

const store = async (
  workspace: Workspace,
  { sandbox }: ToolContext,
  all: readonly Changed[],
): Promise<{ changed: z.output<typeof changed>[] }> => {
  await staysInside(
    workspace,
    sandbox.kind,
    all.map(({ path: name }) => name),
  );
  const written = all.flatMap(({ data, ...file }) => (data === null ? [] : [{ ...file, data }]));
  const removed = all.filter(({ data }) => data === null).map(({ path: name }) => `./${name}`);
  if (written.length > 0) await workspace.write(written);
  if (removed.length > 0) await workspace.run({ argv: ['rm', '-f', '--', ...removed], output: false });
  return {
    changed: all.map(({ path: name, data }) => ({
      path: name,
      change: data === null ? 'removed' : 'written',
      size: data?.length ?? 0,
    })),
  };
};

const textOf = async (workspace: Workspace, { sandbox }: ToolContext, name: string): Promise<string> => {
  await staysInside(workspace, sandbox.kind, [name]);
  const data = await workspace.read(name);
  if (data === null) throw new Stopped(reject('file_missing', `There is no file "${name}" in the workspace.`));
  return data.toString('utf8');
};

const replaced = (text: string, { find, replace, all }: Edit, at: number, name: string): string => {
  const found = text.split(find).length - 1;
  if (found === 0 || (found > 1 && !all)) {
    const why = found === 0 ? 'is not in' : `is ${found} times in`;
    const hint =
      found === 0 ? 'Nothing was changed.' : 'Say more of what is around it, or "all": true. Nothing was changed.';
    throw new Stopped(reject('edit_failed', `edits.${at}.find: ${why} "${name}". ${hint}`));
  }
  // Not `replace`, to which "$&" in the new text would mean something.
  return text.split(find).join(replace);
};
