// Language models behind one interface. Which there are is in `models.yaml`; a provider is one file under providers/.
export { checkAgainst } from './json-schema.ts';
export { newModels } from './models.ts';
export type { Answered, Asked, Models } from './models.ts';
export { loadModelsFile } from './models-file.ts';
export type { ModelEntry, ModelsFile } from './models-file.ts';
export type { Message } from './provider.ts';
