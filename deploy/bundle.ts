// Makes of each service what its image needs and nothing else: one file without dependencies, and the folders that it reads.
// From services/<service> to dist/<service>; what an image is made of beside that is in the Dockerfile.
//   node deploy/bundle.ts [SERVICE...]     all of them where none is named
import { chmod, cp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = dirname(import.meta.dirname);

const bundle = async (service: string): Promise<number> => {
  const from = join(root, 'services', service);
  const to = join(root, 'dist', service);
  await rm(to, { recursive: true, force: true });
  await build({
    entryPoints: [join(from, 'src/main.ts')],
    outfile: join(to, 'main.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Optional parts in machine code, which a dependency tries and does without.
    external: ['cpu-features', '*.node'],
    // Dependencies in the older module format expect these; __dirname too, or ssh2 does not load.
    banner: {
      js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url),__filename=import.meta.filename,__dirname=import.meta.dirname;",
    },
    plugins: [placesOf(from)],
    logLevel: 'warning',
  });
  for (const folder of await foldersBeside(from)) await cp(join(from, folder), join(to, folder), { recursive: true });
  await cp(join(root, 'LICENSE'), join(to, 'LICENSE'));
  await openToAll(to);
  return (await stat(join(to, 'main.mjs'))).size;
};

/** What a service reads at run time lies beside its sources, as in planner/templates. */
const foldersBeside = async (service: string): Promise<string[]> =>
  (await readdir(service, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && entry.name !== 'src' && entry.name !== 'node_modules')
    .map(({ name }) => name);

/** The image runs as a user of its own, who could read nothing of what a strict umask has made. */
const openToAll = async (folder: string): Promise<void> => {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
};

/** In one file every module has the same place; this gives a service's modules theirs back, so that `../templates` stays where it was. */
const placesOf = (service: string): Plugin => ({
  name: 'places',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!/import\.meta\.(dirname|filename|url)\b/.test(text)) return null;
      const place = relative(service, dirname(path)).split(sep).join('/');
      const odd = place.startsWith('..') || /import\.meta\.(filename|url)\b/.test(text);
      if (odd) {
        const hint = 'In a bundle only import.meta.dirname means something, and only in the files of a service.';
        return { errors: [{ text: `${relative(root, path)} asks where it is. ${hint}` }] };
      }
      return {
        contents: text.replaceAll('import.meta.dirname', `(import.meta.dirname + ${JSON.stringify(`/${place}`)})`),
        loader: 'ts',
      };
    });
  },
});

const all = (await readdir(join(root, 'services'))).sort();
const named = process.argv.slice(2);
const unknown = named.find((service) => !all.includes(service));
if (unknown !== undefined) {
  process.stderr.write(`bundle: there is no service "${unknown}"; there are ${all.join(', ')}\n`);
  process.exit(2);
}
for (const service of named.length > 0 ? named : all) {
  // What is wrong with a source esbuild has said itself, better than a stack of its own would.
  const bytes = await bundle(service).catch((error: Error) =>
    'errors' in error ? process.exit(1) : Promise.reject(error),
  );
  process.stdout.write(`dist/${service}/main.mjs ${(bytes / 1e6).toFixed(1)} MB\n`);
}
