import { ownerOf } from './project-name.ts';

const part = encodeURIComponent;

/** The owner is one part, with the slashes of nested groups encoded: what follows the name is never taken for a part of it. */
const projectPart = (project: string): string => {
  const owner = ownerOf(project);
  return `${part(owner)}/${part(project.slice(owner.length + 1))}`;
};

/** Where things are. A project is `owner/name`; other names may be any text. */
export const paths = {
  owners: '/api/owners',
  projects: '/api/projects',
  queue: '/api/queue',
  /** What people open. */
  projectPage: (project: string): string => `/${projectPart(project)}`,
  runPage: (project: string, number: number): string => `${paths.projectPage(project)}/${number}`,
  project: (project: string): string => `/api/projects/${projectPart(project)}`,
  runs: (project: string): string => `${paths.project(project)}/runs`,
  run: (project: string, number: number): string => `${paths.runs(project)}/${number}`,
  events: (project: string, number: number): string => `${paths.run(project, number)}/events`,
  eventStream: (project: string, number: number): string => `${paths.events(project, number)}/stream`,
  log: (project: string, number: number, stage: string): string => `${paths.run(project, number)}/log/${part(stage)}`,
  logStream: (project: string, number: number, stage: string): string => `${paths.log(project, number, stage)}/stream`,
  /** What is kept of a stage besides: R-DCK-97. */
  document: (project: string, number: number, stage: string): string => `${paths.run(project, number)}/document/${part(stage)}`,
  /** The zip of what a stage left. */
  artifacts: (project: string, number: number, stage: string): string => `${paths.run(project, number)}/artifacts/${part(stage)}`,
  files: (project: string, number: number, stage: string): string => `${paths.artifacts(project, number, stage)}/files`,
  file: (project: string, number: number, stage: string): string => `${paths.artifacts(project, number, stage)}/file`,
  why: (project: string, number: number, node: string): string => `${paths.run(project, number)}/why/${part(node)}`,
  cancel: (project: string, number: number): string => `${paths.run(project, number)}/cancel`,
  rerun: (project: string, number: number): string => `${paths.run(project, number)}/rerun`,
  gate: (project: string, number: number, gate: string): string => `${paths.run(project, number)}/gates/${part(gate)}`,
  approval: (project: string, number: number): string => `${paths.run(project, number)}/approval`,
  askAgain: (project: string, number: number): string => `${paths.approval(project, number)}/again`,
  /** Where the forms of a run's page go. */
  approvalForm: (project: string, number: number): string => `${paths.runPage(project, number)}/approval`,
  askAgainForm: (project: string, number: number): string => `${paths.approvalForm(project, number)}/again`,
  deliveries: (project: string): string => `${paths.project(project)}/deliveries`,
  settings: (project: string): string => `${paths.project(project)}/settings`,
  deployments: (project: string): string => `${paths.project(project)}/deployments`,
  environments: (project: string): string => `${paths.project(project)}/environments`,
  environment: (project: string, environment: string): string => `${paths.environments(project)}/${part(environment)}`,
  rollback: (project: string, environment: string): string => `${paths.environment(project, environment)}/rollback`,
  repositories: '/api/repositories',
  credential: (project: string): string => `${paths.project(project)}/credential`,
  secrets: (project: string): string => `${paths.project(project)}/secrets`,
  secret: (project: string, secret: string): string => `${paths.secrets(project)}/${part(secret)}`,
  schedules: (project: string): string => `${paths.project(project)}/schedules`,
  schedule: (project: string, id: string): string => `${paths.schedules(project)}/${part(id)}`,
  upstreams: (project: string): string => `${paths.project(project)}/upstreams`,
  upstream: (project: string, id: string): string => `${paths.upstreams(project)}/${part(id)}`,
  subscriptions: (project: string): string => `${paths.project(project)}/subscriptions`,
  subscription: (project: string, id: string): string => `${paths.subscriptions(project)}/${part(id)}`,
  subscriptionTest: (project: string, id: string): string => `${paths.subscription(project, id)}/test`,
  letters: (project: string, id: string): string => `${paths.subscription(project, id)}/letters`,
  workerTokens: '/api/workers/tokens',
  workerToken: (id: string): string => `${paths.workerTokens}/${part(id)}`,
  tokens: '/api/auth/tokens',
  token: (id: string): string => `${paths.tokens}/${part(id)}`,
  me: '/api/auth/me',
  ownPassword: '/api/auth/password',
  accounts: '/api/accounts',
  account: (id: string): string => `${paths.accounts}/${part(id)}`,
  members: (project: string): string => `${paths.project(project)}/members`,
  member: (project: string, account: string): string => `${paths.members(project)}/${part(account)}`,
  difference: (project: string, from: string, to: string): string => `${paths.environment(project, from)}/difference/${part(to)}`,
} as const;
