// How subjects match: `*` is one token, `>` all that follow. Asked for each message and each filter, so it takes nothing apart.

const [dot, star, rest] = ['.', '*', '>'].map((letter) => letter.charCodeAt(0)) as [number, number, number];

export const matches = (filter: string, subject: string): boolean => {
  let at = 0;
  for (let of = 0; of < filter.length; of += 1, at += 1) {
    const wanted = filter.charCodeAt(of);
    const isWhole = of === 0 || filter.charCodeAt(of - 1) === dot;
    if (wanted === rest && isWhole && of === filter.length - 1) return at <= subject.length;
    if (wanted === star && isWhole && (of === filter.length - 1 || filter.charCodeAt(of + 1) === dot)) {
      if (at > subject.length) return false;
      while (at < subject.length && subject.charCodeAt(at) !== dot) at += 1;
      at -= 1;
    } else if (subject.charCodeAt(at) !== wanted) return false;
  }
  return at === subject.length;
};

/** None means all. */
export const matchesAny = (filters: readonly string[], subject: string): boolean =>
  filters.length === 0 || filters.some((filter) => matches(filter, subject));
