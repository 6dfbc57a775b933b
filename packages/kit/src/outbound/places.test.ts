import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInside, mayConnect, mayTry } from './places.ts';

test('addresses inside the walls are known in every way of writing', () => {
  for (const address of [
    '127.0.0.1',
    '127.8.9.10',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'fd00::1',
    'fc00::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '64:ff9b::10.0.0.1',
    '::127.0.0.1',
    '2002:7f00:1::',
    'fd00:ec2::254',
    'not an address',
  ]) {
    assert.equal(isInside(address), true, address);
  }
});

test('addresses of the public internet are not', () => {
  for (const address of [
    '1.1.1.1',
    '8.8.8.8',
    '172.32.0.1',
    '172.15.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
  ]) {
    assert.equal(isInside(address), false, address);
  }
});

test('the configuration opens one place by host or address, with its port', () => {
  const places = { allow: ['localhost:8080', '10.0.0.5:*', '*.lab:443', '[::1]:90'] };
  assert.equal(mayConnect(places, 'localhost', 8080, '127.0.0.1'), true);
  assert.equal(mayConnect(places, 'localhost', 8081, '127.0.0.1'), false);
  assert.equal(mayConnect(places, 'db.internal', 5432, '10.0.0.5'), true);
  assert.equal(mayConnect(places, 'a.lab', 443, '192.168.0.9'), true);
  assert.equal(mayConnect(places, 'lab', 443, '192.168.0.9'), false);
  assert.equal(mayConnect(places, '[::1]', 90, '::1'), true);
  assert.equal(mayConnect(places, 'rebound.example', 8080, '127.0.0.1'), false);
  assert.equal(mayConnect(places, 'example.com', 443, '93.184.215.14'), true);
});

test('a list of the only places closes everything else', () => {
  const places = { allow: [], only: [['api.github.com:443', 'plain.example']] };
  assert.equal(mayTry(places, 'API.github.com', 443), true);
  assert.equal(mayTry(places, 'api.github.com', 80), false);
  assert.equal(mayTry(places, 'plain.example', 80), true);
  assert.equal(mayTry(places, 'plain.example', 8080), false);
  assert.equal(mayTry(places, 'evil.example', 443), false);
  assert.equal(mayTry({ allow: [] }, 'anything.example', 1), true);
  assert.equal(mayTry({ allow: [], only: [...places.only, ['plain.example']] }, 'api.github.com', 443), false);
  assert.equal(mayTry({ allow: [], only: [[]] }, 'anything.example', 443), false);
});
