// Comments on an issue or a pull request on GitHub. A mark that nobody sees tells whoever does it again that it was said: another attempt, or
// the same one where an executor was killed before it could report.
import { done } from '@capstan/kit';
import { z } from 'zod';
import { asking, clientOf, markOf, needs, number, repository, token } from '../github/client.ts';
import { defineTool } from '../tool.ts';

export const comment = defineTool({
  name: 'github.comment',
  description: 'Comments on a pull request or an issue on GitHub, once.',
  input: z.looseObject({ repository, number, body: z.string().min(1).max(60_000), token }),
  output: z.strictObject({
    id: z.int(),
    url: z.string(),
    again: z.boolean().describe('Whether it had been said before'),
  }),
  risk: 'low',
  needs,
  run: (asked, context) =>
    asking(async () => {
      const github = await clientOf(asked, context);
      const at = { ...github.at, issue_number: asked.number };
      const mark = `<!-- capstan ${markOf(context)} -->`;
      const all = await github.paginate('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
        ...at,
        per_page: 100,
      });
      const said = all.find(({ body }) => body?.includes(mark));
      if (said) return done({ id: said.id, url: said.html_url, again: true });
      const { data } = await github.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', {
        ...at,
        body: `${asked.body}\n\n${mark}`,
      });
      return done({ id: data.id, url: data.html_url, again: false });
    }),
});
