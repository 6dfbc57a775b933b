// Where commands of tasks run: what a tool may do there, and the sandbox that the configuration asks for.
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
