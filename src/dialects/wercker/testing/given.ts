import type { FetchedStep, Given } from '../../dialect.ts';

export const fetchedStep = (name: string, manifest?: string, more: Partial<FetchedStep> = {}): FetchedStep => ({
  owner: 'wercker',
  name,
  version: '1.0.0',
  tree: Buffer.from(name).toString('hex').padEnd(64, '0'),
  files: ['run.sh', 'step.yml'],
  ...(manifest === undefined ? {} : { manifest: { path: 'step.yml', bytes: Buffer.from(manifest) } }),
  ...more,
});

const listForm = `properties:
  - { name: token, type: string, required: true }
  - { name: room_id, type: string }
  - { name: notify, default: yes }
`;
const mapForm = `properties:
  opts: { type: string, default: "--path $WERCKER_CACHE_DIR" }
  jobs: { type: integer, required: false }
`;

/** The run that cases are compiled for. */
export const given: Given = {
  run: { id: 'run_01', number: 7, startedBy: 'anna', startedAt: 1_700_000_000_500 },
  project: 'website',
  source: {
    commit: '0123456789abcdef0123456789abcdef01234567',
    branch: 'main',
    domain: 'github.com',
    owner: 'acme',
    repository: 'website',
  },
  variables: ['HOME', 'X_REGION', 'XXX_TOKEN'],
  steps: new Map([
    ['bundle-install', fetchedStep('bundle-install', mapForm, { files: ['init.sh', 'run.sh', 'wercker-step.yml'] })],
    ['s3sync', fetchedStep('s3sync')],
    ['hipchat-notify', fetchedStep('hipchat-notify', listForm)],
    ['acme/build@^1.0', fetchedStep('build', undefined, { owner: 'acme', version: '1.4.0' })],
  ]),
};
