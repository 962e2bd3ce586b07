import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { paths } from '../../api/paths.ts';
import { projectParams } from '../../api/project-name.ts';
import type { NodeState, RunState } from '../../run/run-state.ts';
import type { RunRow, RunStore } from '../../store/run-store.ts';
import { type Html, html } from '../html.ts';
import type { Access } from './access.ts';
import { runParams } from './params.ts';

export type PageDeps = { readonly access: Access; readonly runs: Pick<RunStore, 'list'> };

const shownRuns = 100;

/** What the addresses of projects and runs open: text without scripts, for who may read the project (R-WRK-133, R-WRK-150). */
export const pagesPlugin =
  ({ access, runs }: PageDeps): FastifyPluginAsyncZod =>
  async (app) => {
    app.get('/:owner/:name', { schema: { hide: true, params: projectParams } }, async (request, reply) => {
      if (isOthers(request.params)) return reply.callNotFound();
      const { project } = await access.project(request, 'read');
      const rows = await runs.list({ project: project.name, limit: shownRuns });
      return reply.type(type).send(pageOf(project.name, projectPage(project.name, rows)));
    });

    app.get('/:owner/:name/:number', { schema: { hide: true, params: runParams } }, async (request, reply) => {
      if (isOthers(request.params)) return reply.callNotFound();
      const { row } = await access.run(request, 'read');
      const state = await access.state(row);
      return reply.type(type).send(pageOf(`${row.project} ${row.number}`, runPage(state)));
    });
  };

const type = 'text/html; charset=utf-8';

/** These names are parts of other addresses. */
const isOthers = ({ owner }: { readonly owner: string }): boolean => owner === 'api' || owner === 'hooks';

const pageOf = (title: string, content: Html): string =>
  html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>
<body>${content}</body>
</html>
`.html;

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

const runPage = ({ project, number, outcome, phase, trigger, createdAt, finishedAt, fetch, nodes, deployments }: RunState): Html => html`
<h1><a href="${paths.projectPage(project)}">${project}</a> ${number}: ${outcome ?? phase}</h1>
<dl>
<dt>Commit</dt><dd>${fetch.source?.commit} ${fetch.source?.subject}</dd>
<dt>Branch</dt><dd>${fetch.source?.branch}</dd>
<dt>Begun</dt><dd>${time(createdAt)}, ${trigger.kind} by ${trigger.by}</dd>
<dt>Ended</dt><dd>${finishedAt === undefined ? undefined : time(finishedAt)}</dd>
</dl>
${fetch.message === undefined ? undefined : html`<p>${fetch.message}</p>`}
${(fetch.problems ?? []).map(({ code, message }) => html`<p>${message} [${code}]</p>`)}
<table>
<tr><th>Stage</th><th>State</th><th>Attempts</th><th>Begun</th><th>Ended</th><th></th></tr>
${Array.from(nodes.values(), (node) => rowOf(project, number, node))}</table>
${deployments.map(({ environment, stage, at }) => html`<p>${stage} deployed to ${environment}, ${time(at)}.</p>`)}
`;

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
