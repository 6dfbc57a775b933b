// Small things about words: ids from titles, quoting, and telling what can't be taken back.

/** Ids of steps, made of their titles; the same title twice gives two ids, and none is that of a phase. */
export const newIds = (phases: readonly string[]): ((title: string) => string) => {
  const taken = new Set(phases);
  return (title) => {
    const words = title
      .normalize('NFKD')
      .replace(/[^A-Za-z0-9]+/g, ' ')
      .trim()
      .toLowerCase()
      .split(/\s+/);
    const base = words.slice(0, 6).join('-').slice(0, 40).replace(/-+$/, '') || 'step';
    let id = base;
    for (let n = 2; taken.has(id); n++) id = `${base}-${n}`;
    taken.add(id);
    return id;
  };
};

/** What a person wrote is not to be taken for an expression. */
export const quoted = (text: string): string => text.replaceAll('${{', '$ {{');

/** What can't be taken back, or reaches people: a person agrees first. */
export const isRisky = (text: string): boolean =>
  /\b(deploy|release|publish|roll ?out|delete|drop|destroy|purge|wipe|truncate|terminate|revoke|rotate|migrate|merge|force[- ]push|production|prod|live|sudo|rm -[a-z]*[rf]|terraform apply|pulumi up|kubectl (apply|delete)|helm upgrade|git push)\b/i.test(
    text,
  );
