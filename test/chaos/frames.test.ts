// The cutting of NATS bytes into messages, on which all of this rests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Frames } from './frames.ts';
import { watchFor } from './points.ts';

const said = 'PUB a.b 2\r\nhi\r\nHPUB c _INBOX.1 12 14\r\nNATS/1.0\r\n\r\nxy\r\nPING\r\nMSG d 7 3\r\n\r\n.\r\n';

test('messages come out whole, however the bytes came in', () => {
  for (let size = 1; size <= said.length; size += 1) {
    const frames = new Frames();
    const found = [];
    for (let at = 0; at < said.length; at += size) found.push(...frames.push(Buffer.from(said.slice(at, at + size))));
    assert.deepEqual(
      found.map(({ verb, subject, reply, payload }) => [verb, subject, reply, payload.toString()]),
      [
        ['PUB', 'a.b', '', 'hi'],
        ['HPUB', 'c', '_INBOX.1', 'xy'],
        ['PING', '', '', ''],
        ['MSG', 'd', '', '\r\n.'],
      ],
      `in pieces of ${size}`,
    );
    assert.equal(Buffer.concat(found.map(({ bytes }) => bytes)).toString(), said);
    assert.equal(frames.rest.length, 0);
  }
});

test('the nth message of a point is known, before and after, and so is its answer', () => {
  const order = (reply: string) =>
    new Frames().push(Buffer.from(`PUB capstan.order.q.t.s.1 ${reply} 2\r\n{}\r\n`))[0] ?? assert.fail();
  const other = new Frames().push(Buffer.from('PUB capstan.event.1.t.submitted.x 2\r\n{}\r\n'))[0] ?? assert.fail();
  for (const [moment, expected] of [
    ['before', 'now'],
    ['sent', 'after'],
    ['stored', 'go'],
  ] as const) {
    const watch = watchFor({ point: 'order', moment, nth: 2 });
    assert.deepEqual([other, order('_R.1'), other, order('_R.2')].map(watch.out), ['go', 'go', 'go', expected]);
    const answers = ['_R.1', '_R.2'].map((subject) => new Frames().push(Buffer.from(`MSG ${subject} 1 0\r\n\r\n`))[0]);
    assert.deepEqual(
      answers.map((answer) => watch.in(answer ?? assert.fail())),
      [false, moment === 'stored'],
    );
  }
});
