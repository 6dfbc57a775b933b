// How subjects match: `*` is one token, `>` all that follow.

export const matches = (filter: string, subject: string): boolean => {
  if (filter === subject || filter === '>') return true;
  if (!filter.includes('*') && !filter.endsWith('>')) return false;
  const wanted = filter.split('.');
  const tokens = subject.split('.');
  for (let at = 0; at < wanted.length; at++) {
    if (wanted[at] === '>') return tokens.length > at;
    if (at >= tokens.length || (wanted[at] !== '*' && wanted[at] !== tokens[at])) return false;
  }
  return wanted.length === tokens.length;
};

/** None means all. */
export const matchesAny = (filters: readonly string[], subject: string): boolean =>
  filters.length === 0 || filters.some((filter) => matches(filter, subject));
