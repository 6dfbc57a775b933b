// For the bench, which runs the real executor inside a process of somebody else's.
export { newExecutor } from './executor.ts';
