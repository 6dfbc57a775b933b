// A paged list under construction behaves as an array does, and never touches the list that it came from.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deepFreeze } from './freeze.ts';
import { PagedDraft, pagedOf, readPaged } from './paged.ts';

test('reads, writes, edits and pushes are those of an array, whatever their order', () => {
  const act = fc.record({ kind: fc.constantFrom('write', 'edit', 'push'), at: fc.nat(400), value: fc.nat() });
  fc.assert(
    fc.property(fc.nat(300), fc.array(act, { maxLength: 60 }), (count, acts) => {
      const from = deepFreeze(pagedOf(count, (at) => ({ n: at })));
      const text = JSON.stringify(from);
      const model = Array.from({ length: count }, (_, at) => ({ n: at }));
      const draft = new PagedDraft(from);
      for (const { kind, at, value } of acts) {
        const slot = model.length === 0 ? 0 : at % model.length;
        if (kind === 'push') {
          draft.push({ n: value });
          model.push({ n: value });
        } else if (model.length > 0 && kind === 'write') {
          draft.write(slot, { n: value });
          model[slot] = { n: value };
        } else if (model.length > 0) {
          draft.edit(slot).n = value;
          model[slot] = { n: value };
        }
      }
      const done = draft.done();
      assert.equal(done.length, model.length);
      assert.deepEqual(
        model.map((_, at) => readPaged(done, at)),
        model,
      );
      assert.equal(JSON.stringify(from), text);
    }),
  );
});

test('a list that was not changed stays the very same list', () => {
  const from = pagedOf(300, (at) => at);
  const draft = new PagedDraft(from);
  draft.read(7);
  assert.equal(draft.done(), from);
});

test('what is not there is not read', () => {
  const from = pagedOf(3, (at) => at);
  assert.throws(() => readPaged(from, 3), RangeError);
  assert.throws(() => new PagedDraft(from).read(-1), RangeError);
  assert.throws(() => new PagedDraft(from).write(3, 0), RangeError);
});
