// How tasks end that left something with this agent. It listens for these, and hears of no other task.
import { type Bus, decode, isBusError } from '@capstan/bus';
import { isEnded, type TaskStatus } from '@capstan/contracts';

export interface TaskEnds {
  /**
   * Calls back each time the task ends, until it is told to stop: one that has failed may be tried again. An end from before anybody listened is
   * looked up, once; what is lost after that is for whoever keeps something of it to find by its age.
   */
  follow(task: string, on: (status: TaskStatus) => void): () => void;
  /** Also true where nobody can say just now. */
  isOpen(task: string): Promise<boolean>;
}

export const newTaskEnds = (bus: Bus): TaskEnds => ({
  follow: (task, on) => {
    let isStopped = false;
    const told = (status: string | undefined): void => {
      if (!isStopped && status !== undefined && isEnded(status as TaskStatus)) on(status as TaskStatus);
    };
    const listening = bus.listen(bus.names.notice('*', task, '*'), ({ subject }) => told(subject.split('.').at(-1)));
    // Said after the server was told what is listened for: an end comes by one of the two ways, or by both.
    void look(bus, task, () => isStopped).then(told);
    return () => {
      isStopped = true;
      void listening.stop();
    };
  },
  isOpen: async (task) => {
    const status = await statusOf(bus, task);
    return status === null || (status !== undefined && !isEnded(status as TaskStatus));
  },
});

const looksMax = 5;
const againMs = 5_000;

/** Undefined where nobody can say. */
const look = async (bus: Bus, task: string, isStopped: () => boolean): Promise<string | undefined> => {
  for (let left = looksMax; left > 0 && !isStopped(); left -= 1) {
    const status = await statusOf(bus, task);
    if (status !== null) return status;
    await new Promise<void>((resolve) => void setTimeout(resolve, againMs).unref());
  }
  return undefined;
};

/** Undefined where there is no such task; null where nobody can say just now. */
const statusOf = async (bus: Bus, task: string): Promise<string | undefined | null> => {
  try {
    const { data } = await bus.ask(bus.names.api('task', 'get'), JSON.stringify({ task_id: task }));
    const answer = decode(data);
    const found = answer.ok ? (answer.value as { status?: string; error?: { code?: string } }) : {};
    return found.error?.code === 'unavailable' ? null : found.status;
  } catch (error) {
    return isBusError(error, 'unavailable') ? null : undefined;
  }
};
