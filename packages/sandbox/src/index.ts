// Where commands of tasks run: what a tool may do there, and the sandbox that the configuration asks for.
export { removeLeftovers } from './host/directories.ts';
export { keep as keepGroup, kill as killGroup, letGo as letGroupGo } from './host/groups.ts';
export { openSandbox } from './open-sandbox.ts';
export type {
  Collected,
  CollectLimits,
  Command,
  CommandResult,
  OutputStream,
  Sandbox,
  WorkContext,
  Workspace,
  WorkspaceFile,
} from './sandbox.ts';
