import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stopped } from '@capstan/kit';
import { pack } from 'tar-stream';
import { Readable } from 'node:stream';
import { fixedPart, inside, isNamed, readTar, writeTar } from './tarball.ts';

const owner = { uid: 10_001, gid: 10_001 };

test('paths stay inside', () => {
  assert.deepEqual(['a/b', './a//b/', 'a/../b', '.', ''].map(inside), ['a/b', 'a/b', 'b', '.', '.']);
  for (const path of ['..', '../a', 'a/../..', '/etc/passwd', 'a\0b', 'a/../../b'])
    assert.throws(
      () => inside(path),
      (error: Stopped) => error.outcome.code === 'path_outside',
      path,
    );
});

test('a name is a file, a folder with all in it, or a pattern', () => {
  assert.deepEqual(['dist/*.tgz', 'a/b', '*.xml', 'a/{b,c}/d'].map(fixedPart), ['dist', 'a/b', '.', 'a']);
  assert.deepEqual(
    [
      ['dist/*.tgz', 'dist/a.tgz'],
      ['dist/*.tgz', 'dist/deep/a.tgz'],
      ['dist/**/*.tgz', 'dist/deep/a.tgz'],
      ['dist', 'dist/deep/a.tgz'],
      ['dist', 'distant'],
      ['.', 'anything'],
    ].map(([pattern, path]) => isNamed(pattern as string, path as string)),
    [true, false, true, true, false, true],
  );
});

test('what is written can be read, with folders that belong to whom the files belong to', async () => {
  const files = [
    { path: 'a/b/c.txt', data: 'text' },
    { path: 'run', data: Buffer.from([0, 255]), executable: true },
  ];
  const seen: string[] = [];
  const read = await readTar(writeTar(files, owner), ({ name, type }) => {
    seen.push(`${type} ${name}`);
    return name;
  });
  assert.deepEqual(
    read.map(({ name, size }) => [name, size]),
    [
      ['a/b/c.txt', 4],
      ['run', 2],
    ],
  );
  assert.deepEqual(read[1]?.data, Buffer.from([0, 255]));
  assert.equal(read[0]?.sha256, '982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1');
});

test('links, devices and pipes are left out, and so is what is too much', async () => {
  const tar = pack();
  for (const type of ['symlink', 'link', 'fifo', 'character-device'] as const)
    tar.entry({ name: type, type, linkname: '/etc/passwd' });
  tar.entry({ name: 'file' }, 'x');
  tar.finalize();
  assert.deepEqual(
    (await readTar(Readable.from(tar), ({ name }) => name)).map(({ name }) => name),
    ['file'],
  );
  const many = Array.from({ length: 3 }, (_, n) => ({ path: `f${n}`, data: 'xx' }));
  const tooMuch = (error: Stopped) => error.outcome.code === 'artifacts_too_large';
  await assert.rejects(
    readTar(writeTar(many, owner), ({ name }) => name, { filesMax: 2 }),
    tooMuch,
  );
  await assert.rejects(
    readTar(writeTar(many, owner), ({ name }) => name, { bytesMax: 5 }),
    tooMuch,
  );
});
