// How bad a finding is: by its level, and by what the check says an error is worth.
export const severities = ['major', 'medium', 'minor'] as const;
export type Severity = (typeof severities)[number];

export const severityOf = (level: 'error' | 'warning' | 'note', ofErrors: Severity): Severity => {
  if (level === 'error') return ofErrors;
  return level === 'warning' && ofErrors === 'major' ? 'medium' : 'minor';
};

/** What scanners call it: words, or a CVSS score. */
export const severityOfRisk = (said: string | number | undefined): Severity => {
  const word = String(said ?? '').toLowerCase();
  const score = Number(word);
  if (word !== '' && Number.isFinite(score)) return score >= 7 ? 'major' : score >= 4 ? 'medium' : 'minor';
  if (word === 'critical' || word === 'high') return 'major';
  return word === 'low' || word === 'info' || word === 'none' ? 'minor' : 'medium';
};
