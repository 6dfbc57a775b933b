// For the simulator, which runs the real coordinator over a bus in memory.
export { realClock } from './clock.ts';
export type { Clock } from './clock.ts';
export { startCoordinator } from './coordinator.ts';
export type { Coordinator } from './coordinator.ts';
export { defaultKeeping, type Keeping } from './keeping.ts';
export { newCounts } from './world.ts';
export type { Surroundings } from './world.ts';
