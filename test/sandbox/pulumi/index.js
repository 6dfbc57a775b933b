// A Pulumi program for test/sandbox/pulumi.test.ts: a resource for each line of the file "wanted", made by a provider of its own, which needs no
// cloud. A resource is a file in the folder "deployed".
const fs = require('node:fs');
const pulumi = require('@pulumi/pulumi');

const provider = {
  check: async (_, news) => ({
    inputs: news,
    failures: news.content === 'refused' ? [{ property: 'content', reason: 'this content is refused' }] : [],
  }),
  diff: async (_, olds, news) => ({
    changes: olds.content !== news.content || olds.name !== news.name,
    replaces: olds.name === news.name ? [] : ['name'],
    deleteBeforeReplace: true,
  }),
  create: async (inputs) => {
    const fs = require('node:fs');
    if (inputs.content === 'denied') throw new Error('AccessDenied: it may not be made');
    fs.mkdirSync('deployed', { recursive: true });
    fs.writeFileSync(`deployed/${inputs.name}`, inputs.content);
    return { id: inputs.name, outs: inputs };
  },
  update: async (id, _, inputs) => {
    require('node:fs').writeFileSync(`deployed/${id}`, inputs.content);
    return { outs: inputs };
  },
  delete: async (id) => require('node:fs').rmSync(`deployed/${id}`, { force: true }),
};

class File extends pulumi.dynamic.Resource {
  constructor(name, inputs) {
    super(provider, name, inputs, undefined, 'app', 'File');
  }
}

for (const line of fs.readFileSync('wanted', 'utf8').split('\n').filter(Boolean)) {
  const [resource, content, name = resource] = line.split('=');
  new File(resource, { name, content: content === 'secret' ? pulumi.secret('canary-content') : content });
}
exports.url = 'https://app.example';
exports.password = pulumi.secret('canary-password');
exports.region = new pulumi.Config().get('region');
