// The checks of a repository: what its own file says, and what its other files tell where that says nothing.
import { posix } from 'node:path';
import type { Thresholds } from '@capstan/contracts';
import { reject, Stopped } from '@capstan/kit';
import type { Workspace } from '@capstan/sandbox';
import { type Check, check } from '../check.ts';
import type { Found } from '../reads-output.ts';
import type { Repository } from '../repository.ts';
import { auditFiles, auditsOf } from './audits.ts';
import { configFile, type PipelineConfig, readConfig } from './config.ts';
import { finders } from './finders/index.ts';
import { type Stage, type StageCheck, type Stages, stages } from './stages.ts';

export interface Pipeline {
  readonly checks: readonly Check[];
  /** To be run with a way out, and to decide nothing. */
  readonly audits: readonly Check[];
  readonly thresholds: Thresholds | undefined;
  /** Why there is nothing to run. */
  readonly trouble?: Found;
}

const fileMax = 1_024 * 1_024;

/** Throws `Stopped` where the folder is not inside the workspace. */
export const pipelineOf = async (asked: Repository, workspace: Workspace, isAudited = false): Promise<Pipeline> => {
  const { repository: folder } = asked;
  const wanted: readonly Stage[] = asked.stages ?? stages;
  const files = await filesOf(folder, workspace, isAudited ? auditFiles : []);
  const text = files.get(configFile);
  const config = text === undefined ? {} : readConfig(text);
  if ('mistake' in config) {
    const { line, message } = config.mistake;
    const file = posix.join(folder, configFile);
    return {
      checks: [],
      audits: [],
      thresholds: undefined,
      trouble: { level: 'error', message: `${file}:${line}: ${message}`, file, line },
    };
  }
  const all = staged(config, files);
  const checks = wanted.flatMap((stage) => (all[stage] ?? []).map((one) => checkOf(one, stage, folder)));
  // Where the repository says itself how it is looked after, that is all there is.
  const audits = isAudited && wanted.includes('security') && !config.security ? auditsOf(files, folder) : [];
  if (checks.length + audits.length > 0) return { checks, audits, thresholds: config.thresholds };
  const message = `There is nothing in "${folder}" that says how to verify it: no ${configFile}, and no ${known} with something to run. Add ${configFile}.`;
  return { checks, audits, thresholds: config.thresholds, trouble: { level: 'error', message, file: folder } };
};

const known = 'package.json, go.mod, pyproject.toml, Cargo.toml or Makefile';

const filesOf = async (folder: string, workspace: Workspace, more: readonly string[]): Promise<Map<string, string>> => {
  const names = new Set([configFile, ...finders.flatMap(({ files }) => files), ...more]);
  const inside = posix.normalize(folder);
  if (inside.startsWith('/') || inside.startsWith('..'))
    throw new Stopped(
      reject('path_outside', `"${folder}" is not inside the workspace; a repository is named relative to it.`),
    );
  const found = await workspace.collect([...names].map((name) => posix.join(inside, name)));
  return new Map(
    found
      .filter(({ name, size }) => size <= fileMax || more.includes(posix.relative(inside, name)))
      // Of a lock file it is enough that it is there, and some are large.
      .map(({ name, size, data }) => [posix.relative(inside, name), size <= fileMax ? data.toString('utf8') : '']),
  );
};

const staged = (config: PipelineConfig, files: ReadonlyMap<string, string>): Stages => {
  let found: Stages = {};
  for (const finder of finders) {
    const more = finder.find(files, found);
    if (more)
      found = Object.fromEntries(stages.map((stage) => [stage, [...(found[stage] ?? []), ...(more[stage] ?? [])]]));
  }
  // A stage that the file says nothing of is found; an empty list means that there is none.
  return Object.fromEntries(stages.map((stage) => [stage, config[stage] ?? found[stage] ?? []]));
};

const checkOf = (one: StageCheck, stage: Stage, folder: string): Check => {
  const parsed = check.parse(one);
  return { ...parsed, category: stage, cwd: posix.join(folder, parsed.cwd) };
};
