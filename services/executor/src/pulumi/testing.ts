// For tests: a program that is called as the Pulumi CLI is, and prints as that does (`preview --json` one digest, `up --json` an event a line;
// see samples). What is deployed is the file `deployed` in the project; what is wanted, `wanted`.
// It is no Pulumi: no provider, no backend and no language is behind it.

export const pulumiScript = `#!/usr/bin/env node
const fs = require('node:fs');
const [verb, ...args] = process.argv.slice(2);
const stack = args[args.indexOf('--stack') + 1];
const read = (name) => (fs.existsSync(name) ? fs.readFileSync(name, 'utf8').split('\\n').filter(Boolean) : []);
const urn = (name) => \`urn:pulumi:\${stack}::app::aws:s3/bucket:Bucket::\${name}\`;
const fail = (text) => { process.stderr.write(\`error: \${text}\\n\`); process.exit(stack === 'none' ? 6 : 1); };
if (!args.includes('--non-interactive')) fail('--yes must be passed in non-interactive mode');
if (stack === 'none') fail("no stack named 'none' found");
if (stack === 'locked') fail('[409] Conflict: Another update is currently in progress.');
if (process.env.PULUMI_ACCESS_TOKEN === undefined) fail('PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions');
const [wanted, deployed] = [read('wanted'), read('deployed')];
const steps = [
  ...wanted.map((name) => ({ op: deployed.includes(name) ? 'same' : 'create', urn: urn(name), newState: { urn: urn(name), custom: true, type: 'aws:s3/bucket:Bucket', inputs: { password: 'canary-state' } } })),
  ...deployed.filter((name) => !wanted.includes(name)).map((name) => ({ op: 'delete', urn: urn(name), oldState: { urn: urn(name) } })),
];
const changes = {};
for (const { op } of steps) changes[op] = (changes[op] ?? 0) + 1;
if (verb === 'preview') {
  process.stderr.write('Previewing update\\n');
  const diagnostics = wanted.includes('broken') ? [{ urn: urn('broken'), message: 'aws:s3/bucket:Bucket resource has a problem: Missing required argument\\n', severity: 'error' }] : [];
  console.log(JSON.stringify({ config: { 'aws:region': 'eu-west-1' }, steps, diagnostics, duration: 1000000000, changeSummary: changes }, null, 4));
  process.exit(diagnostics.length > 0 ? 1 : 0);
}
if (verb === 'up') {
  if (!args.includes('--yes')) fail('--yes must be passed in non-interactive mode to proceed');
  let sequence = 0;
  const event = (value) => console.log(JSON.stringify({ sequence: sequence++, timestamp: 1700000000, ...value }));
  event({ preludeEvent: { config: {} } });
  for (const { op, urn } of steps) event({ resourcePreEvent: { metadata: { op, urn, type: 'aws:s3/bucket:Bucket', old: null, new: null } } });
  if (wanted.includes('refused')) {
    event({ diagnosticEvent: { urn: urn('refused'), message: 'creating bucket: AccessDenied\\n', color: 'never', severity: 'error' } });
    event({ summaryEvent: { maybeCorrupt: false, durationSeconds: 1, resourceChanges: {}, PolicyPacks: {} } });
    process.exit(1);
  }
  fs.writeFileSync('deployed', wanted.join('\\n'));
  event({ summaryEvent: { maybeCorrupt: false, durationSeconds: 2, resourceChanges: changes, PolicyPacks: {} } });
  process.exit(0);
}
if (verb === 'stack') { console.log(JSON.stringify({ url: 'https://app.example', password: '[secret]' })); process.exit(0); }
fail(\`unknown command "\${verb}"\`);
`;
