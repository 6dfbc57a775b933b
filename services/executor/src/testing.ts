// For tests of whole installations: what stands in for services that can't be reached from a test.
export { startGitHub } from './github/testing.ts';
export type { GitHubServer } from './github/testing.ts';
export { pulumiScript } from './pulumi/testing.ts';
