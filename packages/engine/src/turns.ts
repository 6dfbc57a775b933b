// Whose turn it is when more waits than can be done: by priority, which grows with the time waited, then the tenant that was served least, then
// the requester of that tenant that was served least, then whoever came first. A view: what is decided about tasks never depends on it.
import { limits } from '@capstan/contracts';

export interface Waiting {
  /** 0 is the most urgent. */
  readonly level: number;
  readonly tenant: string;
  readonly requester: string;
  readonly since: number;
}

interface Flow<T> {
  readonly level: number;
  readonly requester: string;
  readonly tenant: Tenant;
  readonly queue: (T | null)[];
  head: number;
}

interface Tenant {
  waiting: number;
  /** How often it had its turn, reckoned from the time when it began to wait. */
  served: number;
  readonly requesters: Map<string, { waiting: number; served: number }>;
}

export const priorities = ['urgent', 'high', 'normal', 'low'] as const;
export const levelOf = (priority: string | undefined): number => {
  const level = priorities.indexOf((priority ?? 'normal') as (typeof priorities)[number]);
  return level < 0 ? priorities.indexOf('normal') : level;
};

export class Turns<T extends Waiting> {
  readonly #flows = new Map<string, Flow<T>>();
  readonly #tenants = new Map<string, Tenant>();
  readonly #ageingMs: number;
  size = 0;

  /** What has waited so long goes up by one priority; then again. */
  constructor(ageingMs: number = limits.ageingMs) {
    this.#ageingMs = ageingMs;
  }

  push(item: T): void {
    const key = `${item.level} ${item.tenant} ${item.requester}`;
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      const tenant = this.#tenant(item.tenant);
      flow = { level: item.level, requester: item.requester, tenant, queue: [], head: 0 };
      this.#flows.set(key, flow);
    }
    // What was taken before and waits again keeps its place.
    let at = flow.queue.length;
    while (at > flow.head && (flow.queue[at - 1]?.since ?? Infinity) > item.since) at -= 1;
    if (at === flow.queue.length) flow.queue.push(item);
    else flow.queue.splice(at, 0, item);
    flow.tenant.waiting += 1;
    this.#requester(flow).waiting += 1;
    this.size += 1;
  }

  /** Takes back one that waits. Costs as much as its flow is long, so it is for what is rare. */
  remove(item: T): void {
    const key = `${item.level} ${item.tenant} ${item.requester}`;
    const flow = this.#flows.get(key);
    const at = flow?.queue.indexOf(item, flow.head) ?? -1;
    if (flow === undefined || at < 0) return;
    flow.queue[at] = null;
    this.#gone(key, flow);
  }

  /** The next one; null where nobody waits. */
  take(now: number): T | null {
    let best: { key: string; flow: Flow<T>; level: number; item: T } | null = null;
    for (const [key, flow] of this.#flows) {
      const item = flow.queue[flow.head] as T;
      const waited = Math.max(0, now - item.since);
      const level = Math.max(0, flow.level - Math.floor(waited / this.#ageingMs));
      if (best === null || this.#goesBefore(flow, level, item, best)) best = { key, flow, level, item };
    }
    if (best === null) return null;
    const { key, flow, item } = best;
    flow.queue[flow.head] = null;
    flow.tenant.served += 1;
    this.#requester(flow).served += 1;
    this.#gone(key, flow);
    return item;
  }

  #goesBefore(flow: Flow<T>, level: number, item: T, best: { flow: Flow<T>; level: number; item: T }): boolean {
    if (level !== best.level) return level < best.level;
    if (flow.tenant !== best.flow.tenant) {
      const more = flow.tenant.served - best.flow.tenant.served;
      return more === 0 ? item.since < best.item.since : more < 0;
    }
    const more = this.#requester(flow).served - this.#requester(best.flow).served;
    return more === 0 ? item.since < best.item.since : more < 0;
  }

  #gone(key: string, flow: Flow<T>): void {
    this.size -= 1;
    const requester = this.#requester(flow);
    requester.waiting -= 1;
    flow.tenant.waiting -= 1;
    while (flow.head < flow.queue.length && flow.queue[flow.head] === null) flow.head += 1;
    if (flow.head === flow.queue.length) this.#flows.delete(key);
    else if (flow.head > 1_024 && flow.head * 2 > flow.queue.length) {
      flow.queue.splice(0, flow.head);
      flow.head = 0;
    }
    if (requester.waiting === 0) flow.tenant.requesters.delete(flow.requester);
    if (flow.tenant.waiting === 0)
      for (const [name, tenant] of this.#tenants) if (tenant === flow.tenant) this.#tenants.delete(name);
  }

  /** Whoever begins to wait has no turns in hand from the time when it didn't. */
  #tenant(name: string): Tenant {
    let tenant = this.#tenants.get(name);
    if (tenant === undefined) {
      tenant = { waiting: 0, served: least(this.#tenants.values()), requesters: new Map() };
      this.#tenants.set(name, tenant);
    }
    return tenant;
  }

  #requester({ tenant, requester: name }: Flow<T>): { waiting: number; served: number } {
    let requester = tenant.requesters.get(name);
    if (requester === undefined) {
      requester = { waiting: 0, served: least(tenant.requesters.values()) };
      tenant.requesters.set(name, requester);
    }
    return requester;
  }
}

const least = (all: Iterable<{ readonly served: number }>): number => {
  let low = Infinity;
  for (const { served } of all) low = Math.min(low, served);
  return low === Infinity ? 0 : low;
};
