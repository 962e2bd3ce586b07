import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { approvalSchema } from '../../api/acts.ts';
import { paths } from '../../api/paths.ts';
import { projectParams } from '../../api/project-name.ts';
import { mayAskAgain, openApproval } from '../../run/open-approval.ts';
import type { NodeState, RunState } from '../../run/run-state.ts';
import type { RunRow, RunStore } from '../../store/run-store.ts';
import type { Actor, Guard } from '../actor.ts';
import type { ApproveRun } from '../approvals/approve-run.ts';
import type { AskAgain } from '../approvals/ask-again.ts';
import { formField } from '../auth/form-token.ts';
import { type Html, html, pageOf, pageType } from '../html.ts';
import type { Access } from './access.ts';
import { runParams } from './params.ts';

export type PageDeps = {
  readonly access: Access;
  readonly runs: Pick<RunStore, 'list'>;
  readonly actorOf: (request: FastifyRequest) => Promise<Actor>;
  readonly guard: Pick<Guard, 'may'>;
  /** What a form has to have so that who looks at its page can send it; `undefined`: they have no session. */
  readonly formTokenOf: (request: FastifyRequest) => Promise<string | undefined>;
  readonly approve: ApproveRun;
  readonly askAgain: AskAgain;
};

const shownRuns = 100;

/** What the addresses of projects and runs open: text without scripts, for who may read the project (R-WRK-133, R-WRK-150). */
export const pagesPlugin =
  ({ access, runs, actorOf, guard, formTokenOf, approve, askAgain }: PageDeps): FastifyPluginAsyncZod =>
  async (app) => {
    const form = { parseAs: 'string', bodyLimit: largestForm } as const;
    app.addContentTypeParser<string>('application/x-www-form-urlencoded', form, (_request, body, done) => {
      done(null, Object.fromEntries(new URLSearchParams(body)));
    });

    /** For whom the page has a form that decides, or asks again: who may decide, with a session of their own. */
    const stampFor = async (request: FastifyRequest, project: string): Promise<string | undefined> =>
      (await guard.may(await actorOf(request), 'decide', project)) ? formTokenOf(request) : undefined;

    app.get('/:owner/:name', { schema: { hide: true, params: projectParams } }, async (request, reply) => {
      if (isOthers(request.params)) return reply.callNotFound();
      const { project } = await access.project(request, 'read');
      const rows = await runs.list({ project: project.name, limit: shownRuns });
      return reply.type(pageType).send(pageOf(project.name, projectPage(project.name, rows)));
    });

    app.get('/:owner/:name/:number', { schema: { hide: true, params: runParams } }, async (request, reply) => {
      if (isOthers(request.params)) return reply.callNotFound();
      const { row } = await access.run(request, 'read');
      const state = await access.state(row);
      const hasForm = openApproval(state) !== undefined || mayAskAgain(state);
      const stamp = hasForm ? await stampFor(request, row.project) : undefined;
      // Else a browser would not say where its form comes from.
      if (stamp !== undefined) void reply.header('referrer-policy', 'same-origin').header('cache-control', 'no-store');
      return reply.type(pageType).send(pageOf(`${row.project} ${row.number}`, runPage(state, stamp)));
    });

    app.post(
      '/:owner/:name/:number/approval',
      { schema: { hide: true, params: runParams, body: approvalForm } },
      async (request, reply) => {
        if (isOthers(request.params)) return reply.callNotFound();
        const asked = await access.run(request, 'decide');
        const { [formField]: _page, ...wanted } = request.body;
        await approve({ ...asked, wanted });
        return reply.redirect(paths.runPage(asked.row.project, asked.row.number), 303);
      },
    );

    app.post(
      '/:owner/:name/:number/approval/again',
      { schema: { hide: true, params: runParams, body: againForm } },
      async (request, reply) => {
        if (isOthers(request.params)) return reply.callNotFound();
        const asked = await access.run(request, 'decide');
        const { run } = await askAgain(asked);
        const [row] = await runs.list({ run, limit: 1 });
        return reply.redirect(paths.runPage(asked.row.project, row?.number ?? asked.row.number), 303);
      },
    );
  };

const largestForm = 16 * 1024;
const approvalForm = approvalSchema.extend({ [formField]: z.string() });
const againForm = z.strictObject({ [formField]: z.string() });

/** These names are parts of other addresses. */
const isOthers = ({ owner }: { readonly owner: string }): boolean => owner === 'api' || owner === 'hooks';

const projectPage = (project: string, rows: readonly RunRow[]): Html => html`<h1>${project}</h1>
<table>
<tr><th>Run</th><th>State</th><th>Pipeline</th><th>Branch</th><th>Commit</th><th>Subject</th><th>Begun</th></tr>
${rows.map(
  ({ number, outcome, phase, pipeline, branch, commit, subject, createdAt }) => html`<tr>
<td><a href="${paths.runPage(project, number)}">${number}</a></td><td>${outcome ?? phase}</td><td>${pipeline}</td><td>${branch}</td>
<td>${commit?.slice(0, 12)}</td><td>${subject}</td><td>${time(createdAt)}</td>
</tr>
`,
)}</table>
`;

const runPage = (state: RunState, stamp: string | undefined): Html => {
  const { project, number, outcome, phase, trigger, createdAt, finishedAt, fetch, nodes, deployments } = state;
  return html`
<h1><a href="${paths.projectPage(project)}">${project}</a> ${number}: ${outcome ?? phase}</h1>
<dl>
<dt>Commit</dt><dd>${fetch.source?.commit} ${fetch.source?.subject}</dd>
<dt>Branch</dt><dd>${fetch.source?.branch}</dd>
<dt>Begun</dt><dd>${time(createdAt)}, ${trigger.kind} by ${trigger.by}</dd>
<dt>Ended</dt><dd>${finishedAt === undefined ? undefined : time(finishedAt)}</dd>
</dl>
${approvalPart(state, stamp)}
${fetch.message === undefined ? undefined : html`<p>${fetch.message}</p>`}
${(fetch.problems ?? []).map(({ code, message }) => html`<p>${message} [${code}]</p>`)}
<table>
<tr><th>Stage</th><th>State</th><th>Attempts</th><th>Begun</th><th>Ended</th><th></th></tr>
${Array.from(nodes.values(), (node) => rowOf(project, number, node))}</table>
${deployments.map(({ environment, stage, at }) => html`<p>${stage} deployed to ${environment}, ${time(at)}.</p>`)}
`;
};

const approvalPart = (state: RunState, stamp: string | undefined): Html | undefined => {
  const { project, number, trigger, approval } = state;
  if (approval === undefined) return undefined;
  const open = openApproval(state);
  const { decision } = approval;
  if (open === undefined) {
    return html`${decision && html`<p>${decision.kind} by ${decision.by}, ${time(decision.at)}</p>`}
${mayAskAgain(state) && stamp !== undefined ? againPart(project, number, stamp) : undefined}`;
  }
  const what = trigger.kind === 'pull-request' ? `pull request ${trigger.number} by ${trigger.by}` : trigger.kind;
  const button = (decision: string, text: string): Html => html`<button name="decision" value="${decision}">${text}</button>`;
  return html`<p>It waits until ${time(open.until)} for somebody to approve commit ${open.commit}, which comes from a fork: ${what}.</p>
${
  stamp === undefined
    ? undefined
    : html`<form method="post" action="${paths.approvalForm(project, number)}">
<input type="hidden" name="${formField}" value="${stamp}"><input type="hidden" name="commit" value="${open.commit}">
${button('approved', 'Approve')} ${button('rejected', 'Reject')}
</form>`
}`;
};

const againPart = (project: string, number: number, stamp: string): Html =>
  html`<form method="post" action="${paths.askAgainForm(project, number)}">
<input type="hidden" name="${formField}" value="${stamp}"><button>Ask again</button>
</form>`;

const rowOf = (project: string, number: number, node: NodeState): Html => {
  const { name, phase, outcome } = node;
  if (node.kind === 'gate') {
    const decided = node.decision === undefined ? '' : `${node.decision.kind} by ${node.decision.by}, ${time(node.decision.at)}`;
    return html`<tr><td>${name}</td><td>${outcome ?? phase}</td><td></td><td></td><td></td><td>${decided}</td></tr>\n`;
  }
  const attempt = node.attempts.at(-1);
  const log = html`<a href="${paths.log(project, number, name)}">log</a>`;
  const files = html` <a href="${paths.artifacts(project, number, name)}">files</a>`;
  return html`<tr><td>${name}</td><td>${outcome ?? phase}</td><td>${node.attempts.length}</td>
<td>${attempt?.startedAt === undefined ? undefined : time(attempt.startedAt)}</td>
<td>${attempt?.finishedAt === undefined ? undefined : time(attempt.finishedAt)}</td>
<td>${attempt === undefined ? undefined : log}${attempt?.artifacts === undefined ? undefined : files}</td></tr>
`;
};

const time = (ms: number): string => new Date(ms).toISOString();
