// What a run has done so far, in numbers.
export const newCounts = () => ({
  coordinator: 0,
  executor: 0,
  server: 0,
  /** Of those, how many died at a point that has a name. */
  named: 0,
  frozen: 0,
  cut: 0,
  delayed: 0,
  silenced: 0,
  /** Answers that were never heard. */
  dropped: 0,
  /** Tasks of which a coordinator seemed to die. */
  quarantined: 0,
  rounds: 0,
  tasks: 0,
  events: 0,
  orders: 0,
  reports: 0,
  letters: 0,
  violations: 0,
});
export type Counts = ReturnType<typeof newCounts>;

export const killsOf = ({ coordinator, executor, server }: Counts) => ({ services: coordinator + executor, server });

export const countsText = (counts: Counts): string => {
  const { services, server } = killsOf(counts);
  const {
    frozen,
    cut,
    delayed,
    silenced,
    dropped,
    quarantined,
    rounds,
    tasks,
    events,
    orders,
    reports,
    letters,
    violations,
  } = counts;
  return (
    `${services} services and ${server} servers killed (${counts.named} at named points), ${frozen} frozen, ` +
    `${cut} cut, ${delayed} delayed, ${silenced} half open, ${dropped} answers dropped, ${quarantined} tasks quarantined; ${rounds} rounds audited: ` +
    `${tasks} tasks, ${events} events, ${orders} orders, ${reports} reports, ${letters} dead letters; ${violations} violations`
  );
};
