// What a command tries in its sandbox, and fails at. Each of these was seen to succeed, or to be possible, with one of the options left out.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { hold, skip } from './support.ts';

test('nothing of the image can be written, and nothing in /tmp be executed', { skip }, async (t) => {
  const { sh } = await hold(t);
  const { stdout, stderr } = await sh(
    'for at in / /etc /usr/bin /sandbox /root; do touch $at/x && echo "wrote $at"; done; cp /bin/true /tmp/t && echo copied && /tmp/t; echo $?; touch here && echo mine',
  );
  assert.equal(stdout, 'copied\n126\nmine\n');
  assert.equal(stderr.match(/Read-only file system|Permission denied/g)?.length, 6);
});

test('it has no rights, and gets none', { skip }, async (t) => {
  const { sh } = await hold(t);
  const { stdout } =
    await sh(`grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\\t ' ' '
    mkdir m; mount -t tmpfs x m && echo mounted; mknod d b 8 0 && echo made; chown 0 m && echo given; hostname evil && echo named
    unshare -U true && echo 'own users'; unshare -n true && echo 'own net'; chroot / true && echo chrooted; dmesg && echo dmesg
    nsenter -t 1 -n true && echo entered; kill -9 1 && echo killed; id -u`);
  assert.deepEqual(stdout.trim().split('\n'), [
    'CapPrm: 0000000000000000',
    'CapEff: 0000000000000000',
    'CapBnd: 0000000000000000',
    'CapAmb: 0000000000000000',
    'NoNewPrivs: 1',
    'Seccomp: 2',
    // A signal to the init process is taken and ignored.
    ...(stdout.includes('killed') ? ['killed'] : []),
    '10001',
  ]);
});

test('a program that would make it root, in an image of its own, does not', { skip }, async (t) => {
  const image = `capstan/test-setuid-${process.pid}`;
  const dockerfile =
    'FROM capstan/sandbox\nUSER 0\nRUN cp /usr/bin/id /usr/bin/rootly && chmod 4755 /usr/bin/rootly\nUSER 10001\n';
  const built = spawnSync('docker', ['build', '--network', 'none', '--tag', image, '-'], {
    input: dockerfile,
    encoding: 'utf8',
  });
  assert.equal(built.status, 0, built.stderr);
  t.after(() => void spawnSync('docker', ['image', 'rm', '--force', image]));
  const { sh } = await hold(t);
  const { stdout } = await sh('stat -c %a /usr/bin/rootly; rootly -u', { sandbox: { image } });
  assert.equal(stdout, '4755\n10001\n');
});

test('nothing of the kernel or of the machine is there to be read or turned', { skip }, async (t) => {
  const { sh } = await hold(t);
  const { stdout } =
    await sh(`for at in /proc/kcore /proc/keys /proc/timer_list /proc/latency_stats /proc/sched_debug; do
      [ "$(head -c 8 $at 2>/dev/null | wc -c)" = 0 ] || echo "read $at"; done
    for at in /proc/sys/kernel/core_pattern /proc/sys/kernel/panic /proc/sysrq-trigger /proc/sys/vm/drop_caches /sys/kernel/uevent_helper; do
      (echo 0 >$at) 2>/dev/null && echo "turned $at"; done
    ls -A /sys/firmware 2>/dev/null | head -1
    for at in /dev/mem /dev/kmsg /dev/sda /dev/vda /dev/fuse /dev/kvm /var/run/docker.sock /run/docker.sock; do [ -e $at ] && echo "there: $at"; done
    (echo x >/sys/fs/cgroup/pids.max) 2>/dev/null && echo cgroup; (echo 1 >/sys/fs/cgroup/pids/tasks) 2>/dev/null && echo cgroup
    uname -n`);
  assert.equal(stdout, 'sandbox\n');
  assert.notEqual(hostname(), 'sandbox');
});

test('it has as many processes as it may have, and the machine goes on', { skip }, async (t) => {
  const { sh } = await hold(t);
  const script = `const { spawn } = require('node:child_process'); let ok = 0, refused = 0, open = 300;
    const one = () => { if (--open === 0) { console.log(ok > 10 && ok < 64 && refused > 200 ? 'held' : ok + ' of ' + refused); process.exit(4); } };
    for (let i = 0; i < 300; i++) spawn('sleep', ['60']).on('spawn', () => { ok++; one(); }).on('error', ({ code }) => { if (code === 'EAGAIN') refused++; one(); });`;
  const counted = await sh('exec node -e "$SCRIPT"', { sandbox: { pids: 64 } }, { env: { SCRIPT: script } });
  assert.deepEqual([counted.exitCode, counted.stdout], [4, 'held\n'], counted.stderr);
  const bomb = await sh('bomb() { bomb | bomb & }; bomb; sleep 1; echo over', { sandbox: { pids: 64 } });
  assert.equal(bomb.timedOut, false);
  assert.match(bomb.stderr, /fork|Resource/i);
});

test('memory beyond its limit ends it, and that is known, whoever hides it', { skip }, async (t) => {
  const { sh } = await hold(t);
  const greedy = `node -e 'const all = []; for (;;) all.push(Buffer.alloc(1 << 23, 1))'`;
  const memory = { sandbox: { memory_mb: 64 } };
  const itself = await sh(`exec ${greedy}`, memory);
  assert.deepEqual([itself.exitCode, itself.outOfMemory], [137, true]);
  const hidden = await sh(`${greedy}; exit 3`, memory);
  assert.deepEqual([hidden.exitCode, hidden.outOfMemory], [3, true]);
  // The exit code alone proves nothing.
  const faked = await sh('kill -9 $$', memory);
  assert.deepEqual([faked.exitCode, faked.outOfMemory], [137, false]);
  const heap = await sh(
    `exec node --max-old-space-size=24 -e 'const all = []; for (;;) all.push(new Array(1e5).fill({}).map(() => ({ x: 1 })))'`,
  );
  assert.deepEqual([heap.exitCode, heap.outOfMemory], [134, false]);
  assert.match(heap.stderr, /heap out of memory/);
});

test('disk: /tmp is small, a file has a limit, and so have all files of the task', { skip }, async (t) => {
  const { sh, workspace } = await hold(t);
  const tmp = await sh('dd if=/dev/zero of=/tmp/f bs=1M count=200; df -m /tmp | tail -1 | tr -s " " | cut -d " " -f 2');
  assert.deepEqual([tmp.outOfMemory, tmp.stdout], [false, '64\n']);
  assert.match(tmp.stderr, /No space left/);
  const many = await sh(
    'i=0; while [ $i -lt 60000 ] && true 2>/dev/null >/tmp/$i; do i=$((i + 1)); done; [ $i -lt 60000 ] && echo stopped',
  );
  assert.equal(many.stdout, 'stopped\n');
  const large = await sh('dd if=/dev/zero of=f bs=1M count=32; echo $?', { sandbox: { disk_mb: 16 } });
  assert.match(large.stderr, /File (size limit exceeded|too large)/);
  const opened = await workspace({ sandbox: { disk_mb: 16 } });
  t.after(() => opened.release());
  const filling = opened.run({
    argv: ['sh', '-c', 'for i in 1 2 3 4; do dd if=/dev/zero of=f$i bs=1M count=8; done; sleep 600'],
  });
  await assert.rejects(filling, (error: { outcome?: { code: string; message: string } }) => {
    assert.equal(error.outcome?.code, 'out_of_disk');
    assert.match(error.outcome.message, /sandbox\.disk_mb gives it 16/);
    return true;
  });
});

/** Takes every process, and writes then. */
const greedy = `const fs = require('node:fs'); const take = () => require('node:child_process').spawn('sleep', ['600'])
  .on('spawn', take).on('error', () => { setInterval(take, 5); for (const name of 'abcd') fs.writeFileSync(name, Buffer.alloc(8e6)); }); take();`;

test('what it hides from the count is counted', { skip }, async (t) => {
  const { workspace } = await hold(t);
  const fill = 'for i in 1 2 3 4; do head -c 8000000 /dev/zero >$d/f$i; done; exec sleep 600';
  for (const [how, line] of [
    ['in a folder that it may not read itself', `d=d; mkdir d; chmod 0300 d; ${fill}`],
    [
      'in files without a name',
      `exec 3>a 4>b 5>c; rm a b c; for i in 3 4 5; do head -c 8000000 /dev/zero >&$i; done; exec sleep 600`,
    ],
    ['with every process that it may have', `exec node -e "${greedy}"`],
  ] as const) {
    const opened = await workspace({ sandbox: { disk_mb: 16, pids: 24 } });
    t.after(() => opened.release());
    const isFull = (error: { outcome?: { code: string } }) => error.outcome?.code === 'out_of_disk';
    await assert.rejects(opened.run({ argv: ['bash', '-c', line] }), isFull, how);
  }
});

test('what an image wants a volume for is as small as /tmp, and nothing runs from there', { skip }, async (t) => {
  const image = `capstan/volumes-${process.pid}`;
  const lines = 'FROM capstan/sandbox\nUSER 0\nRUN mkdir /data && chmod 777 /data\nVOLUME /data /tmp\nUSER 10001\n';
  const built = spawnSync('docker', ['build', '--network', 'none', '--tag', image, '-'], {
    input: lines,
    encoding: 'utf8',
  });
  t.after(() => void spawnSync('docker', ['image', 'rm', '--force', image]));
  assert.equal(built.status, 0, built.stderr);
  const { sh } = await hold(t);
  const line =
    'cp /bin/true /data/t && ! /data/t && for i in 1 2 3; do head -c 8000000 /dev/zero >/data/f$i; done; df -m /data | tail -n 1';
  const { stdout, stderr } = await sh(line, { sandbox: { image, memory_mb: 32 } });
  assert.match(stderr, /Permission denied[^]*No space left/);
  assert.match(stdout, /^tmpfs +16 /);
});

test('it has as many open files as it may have, and what it dumps goes nowhere', { skip }, async (t) => {
  const { sh } = await hold(t);
  const script = `const fs = require('node:fs'); let open = 0;
    try { for (;;) { fs.openSync('/dev/null'); open++; } } catch ({ code }) { console.log(code, open > 1000 && open < 4096); }`;
  const { stdout } = await sh(
    'node -e "$SCRIPT"; ulimit -n 8192 && echo raised; ulimit -c; ulimit -c unlimited && echo dumps',
    {},
    {
      env: { SCRIPT: script },
    },
  );
  assert.equal(stdout, 'EMFILE true\n0\n');
});

test('processors are limited by the kernel', { skip }, async (t) => {
  const { sh } = await hold(t);
  // The one or the other, by the version of control groups.
  const { stdout } = await sh(
    'cat /sys/fs/cgroup/cpu.max 2>/dev/null || echo $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us)',
    { sandbox: { cpu: 0.5 } },
  );
  assert.equal(stdout, '50000 100000\n');
});

test('there is no network: no interface, no address, no name', { skip }, async (t) => {
  const { sh } = await hold(t);
  const script = `const net = require('node:net'), dns = require('node:dns').promises, dgram = require('node:dgram');
    const tcp = (host) => new Promise((on) => net.connect({ host, port: 80, timeout: 2000 }).on('error', (e) => on(e.code)).on('connect', () => on('REACHED')));
    const udp = () => new Promise((on) => { const s = dgram.createSocket('udp4'); s.on('error', (e) => on(e.code)); s.send('x', 53, '192.0.2.53', (e) => on(e ? e.code : 'SENT')); });
    (async () => { console.log(Object.keys(require('node:os').networkInterfaces()).join() || 'none');
      console.log(await tcp('169.254.169.254'), await tcp('192.0.2.1'), await tcp('172.17.0.1'), await tcp('2001:db8::1'), await udp());
      console.log(await dns.lookup('example.com').catch((e) => e.code)); process.exit(); })();`;
  const { stdout } = await sh('exec node -e "$SCRIPT"; cat /etc/resolv.conf', {}, { env: { SCRIPT: script } });
  const [interfaces, reached, name] = stdout.split('\n');
  assert.match(interfaces ?? '', /^(lo|none)$/);
  assert.match(reached ?? '', /^(ENETUNREACH|EADDRNOTAVAIL)( (ENETUNREACH|EADDRNOTAVAIL)){4}$/);
  assert.match(name ?? '', /EAI_AGAIN|ENOTFOUND|ECONNREFUSED/);
});

test('a link leads nowhere: not to a file of this machine, nor out of the workspace', { skip }, async (t) => {
  const { workspace } = await hold(t);
  const opened = await workspace();
  t.after(() => opened.release());
  await opened.run({
    argv: [
      'sh',
      '-c',
      'mkdir out; echo real >out/real; ln -s /etc/hostname out/leaf; ln -s / root; mkfifo out/pipe; ln out/real out/twin',
    ],
  });
  const found = await opened.collect(['out', 'root/etc/hostname', 'root/etc/passwd']);
  // What is behind `root` is the image's, never this machine's.
  assert.equal(
    found.some(({ data }) => data.toString().includes(hostname())),
    false,
  );
  assert.deepEqual(
    found
      .filter(({ name }) => name.startsWith('out/'))
      .map(({ name }) => name)
      .sort(),
    ['out/real'],
  );
  assert.equal(await opened.read('out/leaf'), null);
  for (const path of ['../home/x', '/etc/passwd', 'a/../../x', '..']) {
    await assert.rejects(opened.read(path), /is not inside the workspace/);
    await assert.rejects(opened.write([{ path, data: 'x' }]), /is not inside the workspace/);
  }
  await opened.write([{ path: 'root/sandbox/home/planted', data: 'x' }]).catch(() => {});
  const { stdout } = await opened.run({ argv: ['sh', '-c', 'ls /sandbox/home; cat /etc/passwd | wc -l'] });
  assert.doesNotMatch(stdout, /planted/);
});

test('nothing of this process is in its environment, and nothing of one task in another', { skip }, async (t) => {
  process.env['OURS_ALONE'] = 'canary-of-this-process';
  const { sh } = await hold(t);
  assert.doesNotMatch((await sh('env; cat /proc/*/environ 2>/dev/null | tr "\\0" "\\n"')).stdout, /canary|OURS/);
  await sh('echo mine >file', { task_id: 'one' });
  assert.equal((await sh('ls', { task_id: 'two' })).stdout, '');
});
