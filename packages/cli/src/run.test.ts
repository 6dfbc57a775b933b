import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from './commands/index.ts';
import { exits } from './exit.ts';
import { runCommand } from './testing.ts';

test('--help shows every command, and how scripts can use it', async () => {
  const { exit, out } = await runCommand(['--help']);
  assert.equal(exit, exits.ok);
  for (const { name, summary } of commands) {
    assert.match(out, new RegExp(`^  ${name}\\b`, 'm'));
    assert.ok(out.includes(summary.slice(0, 30)), name);
  }
  for (const code of Object.values(exits)) assert.match(out, new RegExp(`^  ${code}  \\S`, 'm'));
});

test('each command teaches: its options, at least one example that parses, the exit codes', async () => {
  for (const command of commands) {
    const { exit, out } = await runCommand([...command.name.split(' '), '--help']);
    assert.equal(exit, exits.ok, command.name);
    for (const option of Object.keys(command.options)) assert.match(out, new RegExp(`--${option}\\b`), command.name);
    assert.ok(command.examples.length > 0, command.name);
    for (const example of command.examples) {
      assert.ok(out.includes(`$ ${example.run}`), command.name);
      assert.ok(example.run.includes(`capstan ${command.name}`), `${command.name}: ${example.run}`);
    }
    assert.match(out, /Exit codes/);
  }
});

test('help names no command twice, and lines fit', async () => {
  const { out } = await runCommand(['--help']);
  for (const line of out.split('\n')) assert.ok(line.length <= 100, line);
  assert.equal(new Set(commands.map(({ name }) => name)).size, commands.length);
});

test('an unknown command is answered with the nearest one, and 2', async () => {
  const { exit, err } = await runCommand(['sumbit']);
  assert.equal(exit, exits.usage);
  assert.equal(err, 'capstan: There is no command "sumbit". Did you mean `submit`?');
  assert.match((await runCommand(['dlq', 'redirve'])).err, /Did you mean `redrive`\?/);
  assert.match((await runCommand(['xyzzy'])).err, /`capstan --help` lists them/);
  assert.match((await runCommand(['a'.repeat(5_000)])).err, /There is no command/);
});

test('a mistyped option before or after the command is answered likewise', async () => {
  assert.match((await runCommand(['--jsno', 'get', 'x'])).err, /Did you mean --json\?/);
  assert.match((await runCommand(['get', 'x', '--namespaze', 'y'])).err, /Did you mean --namespace\?/);
});

test('no command shows the help, with 2; a group shows its own', async () => {
  assert.equal((await runCommand([])).exit, exits.usage);
  const group = await runCommand(['dlq']);
  assert.equal(group.exit, exits.usage);
  assert.match(group.out, /dlq redrive/);
  assert.equal((await runCommand(['dlq', '--help'])).exit, exits.ok);
  assert.match((await runCommand(['help', 'dlq', 'show'])).out, /^capstan dlq show ID/);
});

test('with --json a mistake is a document too', async () => {
  const { exit, out, err } = await runCommand(['get', '--json']);
  assert.equal(exit, exits.usage);
  assert.equal(err, '');
  assert.equal((JSON.parse(out) as { error: { code: string } }).error.code, 'usage');
});

test('options of every command may stand before it', async () => {
  const { exit, out } = await runCommand(['--json', '--nats-url', 'nats://127.0.0.1:9', 'get', 'x']);
  assert.equal(exit, exits.unavailable);
  assert.match(out, /Nobody answers on nats:\/\/127\.0\.0\.1:9\./);
});

test('nobody there: 5, and what to do, without the password', async () => {
  const { exit, err } = await runCommand(['get', 'x', '--nats-url', 'nats://ada:secret@127.0.0.1:9']);
  assert.equal(exit, exits.unavailable);
  assert.match(err, /Start Capstan with `npm start`/);
  assert.doesNotMatch(err, /secret/);
});

test('a bad namespace or configuration file is a mistake in usage', async () => {
  assert.equal((await runCommand(['get', 'x', '--namespace', 'a.b'])).exit, exits.usage);
  const { exit, err } = await runCommand(['get', 'x'], { CAPSTAN_CONFIG: '/nowhere.yaml' });
  assert.equal(exit, exits.usage);
  assert.match(err, /there is no such file/);
});
