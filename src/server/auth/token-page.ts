import type { FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { rightSchema, tokenRequest } from '../../api/auth.ts';
import type { Token } from '../../store/tokens.ts';
import { type Html, html, pageOf, pageType } from '../html.ts';
import { type AuthContext, sessionOf } from './auth-context.ts';
import { formField, formTokenOf } from './form-token.ts';
import { freshMs, isFresh } from './fresh-login.ts';
import type { Identity } from './identify.ts';
import { loginLinks } from './login-page.ts';
import { idParams, type Routes } from './routes.ts';
import { makeAccountToken, revokeAccountToken } from './token-owner.ts';

/** Where people with a session make tokens, as `cion tokens` does for those who have a password: a page without scripts. */
export const tokenPage = (context: AuthContext): Routes => {
  const { tokens, clock, cookies, identityOf, logins } = context;

  /** Else a browser would not say where its form comes from. */
  const send = (reply: FastifyReply, content: Html): FastifyReply =>
    reply.header('referrer-policy', 'same-origin').type(pageType).send(pageOf('Tokens', content));

  const own = async ({ account, actor, since }: Extract<Identity, { readonly by: 'session' }>, stamp: string): Promise<Html> => html`
<h1>Tokens of ${actor.name}</h1>
${isFresh({ since }, clock) ? makeForm(stamp) : html`<p>To make one, log in again: this log-in is older than ${freshMs / 60_000} minutes.</p>${loginLinks(logins, address)}`}
<table>
<tr><th>Name</th><th>May</th><th>Until</th><th>Used</th><th></th></tr>
${(await tokens.list({ account: account.id })).map((token) => rowOf(token, stamp))}</table>
`;

  return async (root) => {
    await root.register(async (scope) => {
      const form = { parseAs: 'string', bodyLimit: largestForm } as const;
      scope.addContentTypeParser<string>('application/x-www-form-urlencoded', form, (_request, body, done) => {
        done(null, Object.fromEntries(new URLSearchParams(body)));
      });
      const app = scope.withTypeProvider<ZodTypeProvider>();

      app.get(address, { schema: { hide: true } }, async (request, reply) => {
        const identity = await identityOf(request);
        const cookie = cookies.of(request, cookies.session);
        if (identity.by !== 'session' || cookie === undefined) return send(reply, html`<h1>Tokens</h1>${loginLinks(logins, address)}`);
        return send(reply, await own(identity, formTokenOf(cookie)));
      });

      app.post(address, { schema: { hide: true, body: tokenForm } }, async (request, reply) => {
        const owner = await sessionOf(request, context);
        const { token, expiresAt } = await makeAccountToken(owner, request.body, context);
        return send(
          reply,
          html`<h1>The token ${request.body.name}</h1>
<p>It may ${request.body.scopes.join(', ')}, until ${time(expiresAt)}. It is not shown again:</p>
<pre>${token}</pre>
<p><code>cion login --token</code> takes it. <a href="${address}">All tokens</a></p>
`,
        );
      });

      app.post(`${address}/:id/revoke`, { schema: { hide: true, params: idParams } }, async (request, reply) => {
        await revokeAccountToken(await sessionOf(request, context), request.params.id, context);
        return reply.redirect(address, 303);
      });
    });
  };
};

const address = '/tokens';
const largestForm = 16 * 1024;

/** With what shows that the form is ours, for that is looked for in what is left of it. */
const stampedRequest = tokenRequest.extend({ [formField]: z.string().optional() });

/** A box that is not ticked is not sent. */
const tokenForm = z
  .record(z.string(), z.string())
  .transform(
    ({ name = '', project, days, ...fields }): z.input<typeof stampedRequest> => ({
      name,
      [formField]: fields[formField],
      scopes: rightSchema.options.filter((right) => fields[right] !== undefined),
      ...(project ? { project } : {}),
      ...(days ? { expiresInDays: Number(days) } : {}),
    }),
  )
  .pipe(stampedRequest);

const makeForm = (stamp: string): Html => html`<form method="post" action="${address}">
<input type="hidden" name="${formField}" value="${stamp}">
<p><label>What it is for <input name="name" required maxlength="100"></label></p>
<p>It may ${rightSchema.options.map((right) => html`<label><input type="checkbox" name="${right}"> ${right}</label> `)}</p>
<p><label>Only in this project, OWNER/NAME <input name="project" maxlength="300"></label></p>
<p><label>For so many days <input name="days" type="number" min="1" max="3650" value="90"></label></p>
<p><button>Make it</button></p>
<p>With <code>tokens</code> it makes others by <code>cion tokens create</code>, which may no more than it and end with it.</p>
</form>
`;

const rowOf = ({ id, name, of, expiresAt, usedAt }: Token, stamp: string): Html => html`<tr><td>${name}</td>
<td>${of.kind === 'account' ? `${of.scopes.join(', ')}${of.project === undefined ? '' : ` in ${of.project}`}` : ''}</td>
<td>${expiresAt === undefined ? undefined : time(expiresAt)}</td><td>${usedAt === undefined ? 'never' : time(usedAt)}</td>
<td><form method="post" action="${address}/${id}/revoke"><input type="hidden" name="${formField}" value="${stamp}"><button>Revoke</button></form></td></tr>
`;

const time = (ms: number): string => new Date(ms).toISOString();
