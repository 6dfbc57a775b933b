// For tests: a value that nothing can change any more, so that whoever tries throws.

const frozen = new WeakSet<object>();

export const deepFreeze = <T>(value: T): T => {
  const open: unknown[] = [value];
  for (let item = open.pop(); open.length > 0 || item !== undefined; item = open.pop()) {
    if (item === null || typeof item !== 'object' || frozen.has(item)) continue;
    frozen.add(item);
    if (item instanceof Map) for (const inner of item.values()) open.push(inner);
    else for (const inner of Object.values(item)) if (typeof inner === 'object' && inner !== null) open.push(inner);
    Object.freeze(item);
  }
  return value;
};
