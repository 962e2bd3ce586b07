import { z } from 'zod';
import { type Html, html, pageOf, pageType } from '../html.ts';
import type { AuthContext } from './auth-context.ts';
import type { Routes } from './routes.ts';

/** Where a log-in with a forge ends that came to nothing: says so, and how else. */
export const loginPage =
  ({ logins }: Pick<AuthContext, 'logins'>): Routes =>
  async (app) => {
    app.get(
      '/login',
      { schema: { hide: true, querystring: z.object({ error: z.string().max(100).optional() }) } },
      async (request, reply) =>
        reply.type(pageType).send(
          pageOf(
            'Log in',
            html`<h1>Log in</h1>
${request.query.error === undefined ? undefined : html`<p>${reasons.get(request.query.error) ?? 'It could not be done.'}</p>`}
${loginLinks(logins, '/tokens')}`,
          ),
        ),
    );
  };

/** `next`: a page of ours. */
export const loginLinks = (logins: AuthContext['logins'], next: string): Html => html`<p>${logins.map(
  ({ kind, title }) => html`<a href="/api/auth/${kind}?next=${encodeURIComponent(next)}">Log in with ${title}</a> `,
)}</p>
<p>Who has a name and a password here logs in on the command line, with <code>cion login</code>, and makes tokens with <code>cion tokens create</code>.</p>
`;

const reasons: ReadonlyMap<string, string> = new Map([
  [
    'FORGE_LOGIN_REFUSED',
    'The log-in was refused, has run out, or was not begun here; or your account there is linked with none here: an admin can make one.',
  ],
  ['FORGE_UNREACHABLE', 'The forge does not answer as it should. Try again in a moment.'],
]);
