// The tools of the executor, one line each.
import type { Tool } from '../tool.ts';
import { ask } from './ask.ts';
import { echo } from './echo.ts';
import { fail } from './fail.ts';
import { files } from './files.ts';
import { git } from './git.ts';
import { checks } from './github.checks.ts';
import { comment } from './github.comment.ts';
import { codingAgent } from './coding-agent.ts';
import { commitCode } from './github.commit_code.ts';
import { merge } from './github.merge.ts';
import { pullRequest } from './github.pull_request.ts';
import { http } from './http.ts';
import { llm } from './llm.ts';
import { monitor } from './monitor.ts';
import { noop } from './noop.ts';
import { pulumiPreview } from './pulumi.preview.ts';
import { pulumiUp } from './pulumi.up.ts';
import { script } from './script.ts';
import { shell } from './shell.ts';
import { wait } from './wait.ts';

export const tools: readonly Tool[] = [
  noop,
  echo,
  wait,
  fail,
  ask,
  http,
  shell,
  script,
  llm,
  monitor,
  files,
  git,
  pullRequest,
  checks,
  commitCode,
  comment,
  merge,
  pulumiPreview,
  pulumiUp,
  codingAgent,
];
