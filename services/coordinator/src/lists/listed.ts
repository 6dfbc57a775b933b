// What a list says of a task, or of what waits for a person: as little as it takes to find those that somebody asks for. The rest is in its record.
import type { Intervention } from '@capstan/contracts';
import { taskEnded, type TaskState } from '@capstan/engine';

export interface Listed {
  readonly id: string;
  /** In milliseconds; never changes, and says on which page it is. */
  readonly created: number;
  /** By what it is chosen and counted. */
  readonly group: string;
  /** Of a task: the sequence of the event that began it, and when it ended, 0 while it has not. */
  readonly first: number;
  readonly ended: number;
}

/** What is asked for. */
export interface Query {
  readonly statuses?: readonly string[] | undefined;
  readonly tenant?: string | undefined;
  /** Without those that do a step of another. */
  readonly alone?: boolean | undefined;
  /** Created at this time or later. */
  readonly since?: number | undefined;
  /** The last one of the page before. */
  readonly behind?: Place | undefined;
  /** The oldest first. */
  readonly rising: boolean;
  readonly limit: number;
}

export interface Place {
  readonly id: string;
  readonly created: number;
}

/** Neither a tenant nor a status has a space, and only tasks that do a step of another begin with "_". */
export const groupOf = (tenant: string, status: string, id: string): string =>
  `${id.startsWith('_') ? '_' : ''}${tenant} ${status}`;

export const matches = ({ statuses, tenant, alone }: Query, group: string): boolean => {
  const isChild = group.startsWith('_');
  if (isChild && alone === true) return false;
  const [of, status = ''] = group.slice(isChild ? 1 : 0).split(' ');
  return (tenant === undefined || of === tenant) && (statuses === undefined || statuses.includes(status));
};

export const listedTask = (id: string, first: number, state: TaskState): Listed => {
  const { status, errands, createdAt, finishedAt, at, request } = state;
  const isOver = taskEnded(status) && errands === 0;
  return {
    id,
    created: createdAt,
    group: groupOf(request.tenant ?? 'default', status, id),
    first,
    ended: isOver ? (finishedAt ?? at) : 0,
  };
};

export const listedAsk = ({ id, tenant, status, created_at }: Intervention): Listed => ({
  id,
  created: Date.parse(created_at),
  group: groupOf(tenant, status, id),
  first: 0,
  ended: 0,
});

/** The newest first, or the oldest; of one time by id. */
export const inOrder = (rising: boolean) => (a: Place, b: Place) =>
  a.created === b.created ? (a.id < b.id ? -1 : a.id > b.id ? 1 : 0) : a.created < b.created === rising ? -1 : 1;
