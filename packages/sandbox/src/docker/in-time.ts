// The end that a command has by itself, when nobody is left to end it: its process was killed, and there is no other on the engine to clean up.
import type { Order } from '@capstan/contracts';
import type { Command } from '../sandbox.ts';

/** Whoever runs a command ends it in time, and says so; this is for when nobody does. */
const graceMs = 10_000;
/** What no time is said for. */
const longestMs = 86_400_000;

/** For how long a command may run from now on, with what it takes to end it properly. */
export const lifeMs = (order: Pick<Order, 'deadline' | 'timeout_ms'>, command: Pick<Command, 'timeoutMs'>): number => {
  const left = order.timeout_ms ?? Date.parse(order.deadline ?? '') - Date.now();
  const asked = Math.min(command.timeoutMs ?? longestMs, Number.isFinite(left) ? left : longestMs);
  return Math.max(0, asked) + graceMs;
};

/** By the program of the base image; other images need not have it, and what runs in them is ended by whoever comes next on the engine. */
export const inTime = (argv: readonly string[], ms: number): readonly string[] => [
  'timeout',
  '-s',
  'KILL',
  String(Math.ceil(ms / 1_000)),
  ...argv,
];

/** What `timeout` says in the place of a program that can't be started. */
export const unstartable = /^timeout: failed to run command ['‘](.*)['’]: (.*)$/m;
