// The commands there are, in the order of the help: one line each.
import type { Command } from '../command.ts';
import { agents } from './agents.ts';
import { answer } from './answer.ts';
import { approve } from './approve.ts';
import { cancel } from './cancel.ts';
import { circuits } from './circuits.ts';
import { dlqDrop } from './dlq-drop.ts';
import { dlqLs } from './dlq-ls.ts';
import { dlqRedrive } from './dlq-redrive.ts';
import { dlqShow } from './dlq-show.ts';
import { fleet } from './fleet.ts';
import { findings } from './findings.ts';
import { get } from './get.ts';
import { inbox } from './inbox.ts';
import { list } from './list.ts';
import { pause } from './pause.ts';
import { quarantineLs } from './quarantine-ls.ts';
import { quarantineRelease } from './quarantine-release.ts';
import { recover } from './recover.ts';
import { reject } from './reject.ts';
import { replay } from './replay.ts';
import { report } from './report.ts';
import { resume } from './resume.ts';
import { retry } from './retry.ts';
import { scheduleLs } from './schedule-ls.ts';
import { schedulePut } from './schedule-put.ts';
import { scheduleRm } from './schedule-rm.ts';
import { skip } from './skip.ts';
import { start } from './start.ts';
import { submit } from './submit.ts';
import { tools } from './tools.ts';
import { templates } from './templates.ts';
import { up } from './up.ts';
import { watch } from './watch.ts';
import { why } from './why.ts';

export const commands: readonly Command[] = [
  up,
  submit,
  get,
  list,
  watch,
  why,
  report,
  findings,
  templates,
  start,
  pause,
  resume,
  cancel,
  retry,
  recover,
  skip,
  schedulePut,
  scheduleLs,
  scheduleRm,
  inbox,
  approve,
  reject,
  answer,
  agents,
  fleet,
  circuits,
  tools,
  dlqLs,
  dlqShow,
  dlqRedrive,
  dlqDrop,
  quarantineLs,
  quarantineRelease,
  replay,
];
