import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { outgoing } from '../src/server/outgoing/outgoing.ts';
import { allowedAddresses } from '../src/server/outgoing/allowed-addresses.ts';
import type { BeginRun } from '../src/server/runs/begin-run.ts';
import { begunRuns } from '../src/server/runs/testing/begun-runs.ts';
import { untilIdle } from '../src/server/testing/until-idle.ts';
import { latestVersion } from '../src/server/triggers/latest-version.ts';
import { timers } from '../src/server/triggers/timers.ts';
import { systemClock } from '../src/lib/clock.ts';
import { sealerOf } from '../src/secrets/sealer.ts';
import { sqlSchedules } from '../src/store/sql/schedules.ts';
import { type TestDatabase, testDatabases } from '../src/store/sql/testing/databases.ts';
import { dockerciseFor } from './dockercise-project.ts';
import { addressForContainers } from './engine.ts';
import { machineImage } from './machine-image.ts';
import { packed, publishTo, withNpmRegistry } from './npm-registry.ts';
import { repository } from './repository.ts';

/** A package of a real registry is watched, and what its new version begins runs on the real engine. */
const noAddress =
  (await addressForContainers()) === undefined ? 'the engine is elsewhere, its containers do not reach this machine' : false;
const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
const dockercise = dockerciseFor('watch', suite);
let image = '';
let made: TestDatabase;
before(async () => {
  const [first] = testDatabases;
  assert.ok(first);
  made = await first.make();
  image = await machineImage(suite, `cion-e2e/watch-${process.pid}`);
});
after(async () => {
  for (const undo of undone.reverse()) await undo();
  await made.close();
});

const hour = 3_600_000;
const project = (url: string) => ({
  '.npmrc': `registry=${url}\n`,
  'package.json': '{ "name": "shop", "version": "1.0.0", "dependencies": { "dep": "^1.0.0" } }\n',
  'package-lock.json': JSON.stringify({
    name: 'shop',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: {
      '': { name: 'shop', version: '1.0.0', dependencies: { dep: '^1.0.0' } },
      'node_modules/dep': { version: '1.0.0', resolved: `${url}dep/-/dep-1.0.0.tgz` },
    },
  }),
  'index.js': 'console.log(require("dep"))\n',
  'dockercise.yaml': `
update:
  img: ${image}
  vol: source
  dir: source
  env:
    CION_PACKAGE_NAME: { outside: CION_PACKAGE_NAME }
    CION_PACKAGE_OLD_VERSION: { outside: CION_PACKAGE_OLD_VERSION }
    CION_PACKAGE_NEW_VERSION: { outside: CION_PACKAGE_NEW_VERSION }
  run:
    - set -e
    - npm install --package-lock-only --no-audit --no-fund "$CION_PACKAGE_NAME@$CION_PACKAGE_NEW_VERSION" >&2
    - cp -R . ../update
    - echo "$CION_PACKAGE_NAME from $CION_PACKAGE_OLD_VERSION to $CION_PACKAGE_NEW_VERSION"
build:
  img: ${image}
  vol: update
  run: cp -R . ~/tree && cd ~/tree && npm ci --no-audit --no-fund >&2 && node index.js
`,
});

test('a new version of a watched package begins one run, whose stages get its name and both versions: one changes the lockfile, the next builds the tree that it left (R-DCK-90, R-DCK-91, R-DCK-92)', {
  skip: noAddress,
}, async (t) => {
  const address = (await addressForContainers()) ?? '';
  await withNpmRegistry({ address }, async ({ url, token }) => {
    const publish = async (version: string): Promise<void> =>
      publishTo(
        url,
        token,
        'dep',
        version,
        await packed({ 'package.json': JSON.stringify({ name: 'dep', version }), 'index.js': `module.exports = 'dep ${version}'\n` }),
      );
    await publish('1.0.0');
    const cwd = repository(t, project(url));
    const begun = begunRuns();
    const beginRun: BeginRun = async (wanted) => {
      const run = await begun.beginRun(wanted);
      const variables = Object.entries(wanted.variables ?? {}).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
      if (run.kind === 'created') await dockercise.passes(cwd, ['run', ...variables]);
      return run;
    };
    const schedules = sqlSchedules(made.database);
    const sealer = sealerOf([randomBytes(32)]);
    const send = outgoing({ allowed: allowedAddresses([address]), clock: systemClock });
    const start = Date.parse('2026-11-21T00:00:00Z');
    const hourly = { cron: '@hourly', timeZone: 'UTC', wants: {}, by: 'ada', createdAt: start, dueAt: start, tryAt: start };
    await schedules.add({ ...hourly, id: 's1', project: 'ada/shop', watch: { package: 'dep', registry: url, tag: 'latest' } });
    const timer = (hours: number): Promise<void> =>
      untilIdle(start + hours * hour, (clock) =>
        timers(
          { schedules, beginRun, latestVersion: latestVersion(send, clock), sealer, clock, failed: (error) => assert.fail(String(error)) },
          'watches',
        ),
      );
    await timer(0);
    await timer(1);
    assert.equal(begun.requests.length, 0);

    await publish('1.2.0');
    await timer(2);
    assert.deepEqual(
      begun.requests.map(({ trigger, once }) => [trigger.kind, once]),
      [['package', 'package/s1/1.2.0']],
    );
    assert.equal(await dockercise.logOf(cwd, 'build'), 'dep 1.2.0\n');
    assert.match(await dockercise.logOf(cwd, 'update'), /^dep from 1\.0\.0 to 1\.2\.0$/m);
    const lockfile = await dockercise.run(cwd, ['artifacts', 'last', 'update', '--get', 'package-lock.json']);
    const { packages } = JSON.parse(lockfile.out) as { packages: Record<string, { version: string }> };
    assert.equal(packages['node_modules/dep']?.version, '1.2.0');

    await timer(3);
    assert.equal(begun.requests.length, 1);
  });
});
