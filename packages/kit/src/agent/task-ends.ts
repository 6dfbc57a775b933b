// How tasks end that left something with this agent. It listens for these, and hears of no other task.
import { type Bus, decode, isBusError } from '@capstan/bus';
import { isEnded, type TaskStatus } from '@capstan/contracts';

export interface TaskEnds {
  /**
   * Calls back each time the task ends, until it is told to stop: one that has failed may be tried again. An end from before anybody listened is
   * looked up, once; what is lost after that is for whoever keeps something of it to find by its age.
   */
  follow(task: string, on: (status: TaskStatus) => void): () => void;
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
});

const looksMax = 5;
const againMs = 5_000;

/** Undefined where nobody can say. */
const look = async (bus: Bus, task: string, isStopped: () => boolean): Promise<string | undefined> => {
  for (let left = looksMax; left > 0 && !isStopped(); left -= 1) {
    try {
      const { data } = await bus.ask(bus.names.api('task', 'get'), JSON.stringify({ task_id: task }));
      const answer = decode(data);
      const found = answer.ok ? (answer.value as { status?: string; error?: { code?: string } }) : {};
      if (found.error?.code !== 'unavailable') return found.status;
    } catch (error) {
      if (!isBusError(error, 'unavailable')) return undefined;
    }
    await new Promise<void>((resolve) => void setTimeout(resolve, againMs).unref());
  }
  return undefined;
};
