import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, describe, it, type TestContext } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { s3Server, users, whyNoS3 } from '../src/results/s3/testing/s3-server.ts';
import { programPath } from '../src/runtimes/docker/testing/program-path.ts';
import { whyNoSshServer, withSshServer } from '../src/runtimes/docker/testing/ssh-server.ts';
import { builtinNames } from '../src/steps/builtin-steps.ts';
import { addressForContainers, runContainer } from './engine.ts';
import { machineImage } from './machine-image.ts';

const undo: (() => Promise<void>)[] = [];
const programs = ['bash', 'curl', 'ssh', 'ssh-keyscan', 'ssh-keygen'];
const whyNot =
  (await addressForContainers()) === undefined
    ? 'the engine is elsewhere, its containers do not reach this machine'
    : (programs.filter((program) => programPath(program) === undefined)[0] ?? false);
const shells = ['bash', 'sh'] as const;

const scripts = new Map(
  globSync('src/steps/builtin/*/run.sh').map((path) => [path.split('/').at(-2) ?? '', readFileSync(path, 'utf8')] as const),
);

/** As a pipeline's shell has them. */
const functions = `
success() { echo "success: $*"; }; info() { echo "info: $*"; }; warn() { echo "warn: $*"; }; debug() { echo "debug: $*"; }
error() { echo "error: $*"; }; fail() { echo "failed: $*"; exit 1; }; setMessage() { echo "message: $*"; }
`;

type Box = {
  readonly shell?: (typeof shells)[number];
  readonly env?: Readonly<Record<string, string>>;
  /** What the pipeline did before and does afterwards, in the same shell. */
  readonly before?: string;
  readonly after?: string;
};

let image = '';

/** Sources a step of ours in a box, as a pipeline does. */
const runStep = async (step: string, { shell = 'sh', env = {}, before = '', after = '' }: Box = {}) => {
  const command = `${functions}\n${before}\ncd /work\n. /tmp/run.sh </dev/null\ncode=$?\necho "code=$code"\n${after}`;
  const boot = 'mkdir -p /work; printf "%s" "$RUN_SH" >/tmp/run.sh; exec "$0" -c "$COMMAND"';
  const variables = { ...env, RUN_SH: scripts.get(step) ?? '', COMMAND: command };
  const { output } = await runContainer({
    image,
    command: ['-c', boot, shell],
    entrypoint: ['sh'],
    env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    network: 'host',
  });
  return { code: Number(/^code=(\d+)$/m.exec(output)?.[1] ?? -1), output };
};

type Told = { readonly url: string; readonly type: string; readonly body: string };

const httpServer = async (t: TestContext, status = 200) => {
  const told: Told[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      told.push({ url: request.url ?? '', type: request.headers['content-type'] ?? '', body: body.toString() });
      response.writeHead(status).end('ok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const at = server.address();
  return { url: `http://127.0.0.1:${at !== null && typeof at === 'object' ? at.port : 0}`, told };
};

const ended = {
  WERCKER_RESULT: 'failed',
  WERCKER_APPLICATION_NAME: 'shop',
  WERCKER_APPLICATION_OWNER_NAME: 'ada',
  WERCKER_GIT_BRANCH: 'main',
  WERCKER_STARTED_BY: 'Ada "the" <first>',
  WERCKER_RUN_URL: 'http://ci.example/runs/7',
  WERCKER_FAILED_STEP_DISPLAY_NAME: 'unit tests & more',
  WERCKER_FAILED_STEP_MESSAGE: 'two\nlines',
};

it('every step of ours has a manifest of its name, a description, and a script without a flaw that shellcheck knows', async (t) => {
  const names = await builtinNames();
  assert.deepEqual(Array.from(scripts.keys()).sort(), names);
  for (const name of names) {
    assert.match(
      readFileSync(`src/steps/builtin/${name}/step.yml`, 'utf8'),
      new RegExp(`^name: ${name}\nversion: \\d+\\.\\d+\\.\\d+\nsummary: \\S`),
    );
    assert.match(readFileSync(`src/steps/builtin/${name}/README.md`, 'utf8'), new RegExp(`^# ${name}\n`));
    const options = Array.from(
      readFileSync(`src/steps/builtin/${name}/step.yml`, 'utf8').matchAll(/^ {2}- name: (\S+)$/gm),
      ([, option = '']) => option,
    );
    const prefix = `WERCKER_${name.replaceAll('-', '_').toUpperCase()}_`;
    const read = new Set(scripts.get(name)?.match(new RegExp(`${prefix}[A-Z0-9_]+`, 'g')) ?? []);
    assert.deepEqual(
      Array.from(read).sort(),
      options.map((option) => `${prefix}${option.replaceAll('-', '_').toUpperCase()}`).sort(),
      name,
    );
  }
  if (programPath('shellcheck') === undefined) return t.diagnostic('shellcheck is not installed');
  const { status, stdout } = spawnSync('shellcheck', globSync('src/steps/builtin/*/run.sh'), { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});

describe('steps of ours in a box', { skip: whyNot }, () => {
  before(async () => {
    image = await machineImage({ after: (work) => void undo.push(work) }, `cion-e2e/steps-${process.pid}`, programs);
  });
  after(async () => {
    for (const work of undo) await work();
  });

  for (const shell of shells) {
    const client = shell === 'bash' ? 'curl' : 'wget';
    const hidden = shell === 'bash' ? '' : 'rm /usr/bin/curl';

    it(`hipchat-notify tells the room, with token, room and name, by ${client} in ${shell} (R-WRK-50)`, async (t) => {
      const { url, told } = await httpServer(t);
      const options = {
        WERCKER_HIPCHAT_NOTIFY_TOKEN: 'to&ken',
        WERCKER_HIPCHAT_NOTIFY_ROOM_ID: 'room 1',
        WERCKER_HIPCHAT_NOTIFY_FROM_NAME: "wercker's bot",
        HIPCHAT_URL: `${url}/v1/rooms/message`,
      };
      const { code, output } = await runStep('hipchat-notify', { shell, before: hidden, env: { ...ended, ...options } });
      assert.equal(code, 0, output);
      assert.doesNotMatch(output, /to&ken/);
      const message = new URLSearchParams(told[0]?.body);
      assert.equal(new URL(told[0]?.url ?? '', url).searchParams.get('auth_token'), 'to&ken');
      assert.deepEqual([message.get('room_id'), message.get('from'), message.get('color')], ['room 1', "wercker's bot", 'red']);
      assert.equal(message.get('message'), 'ada/shop: build of main by Ada "the" <first> failed at step unit tests & more: two\nlines');
      const passed = { ...ended, ...options, WERCKER_RESULT: 'passed', WERCKER_HIPCHAT_NOTIFY_PASSED_MESSAGE: 'shipped 🚢' };
      assert.equal((await runStep('hipchat-notify', { shell, before: hidden, env: passed })).code, 0);
      assert.equal(new URLSearchParams(told[1]?.body).get('message'), 'shipped 🚢');
      const quiet = { ...passed, WERCKER_HIPCHAT_NOTIFY_NOTIFY_ON: 'failed' };
      assert.equal((await runStep('hipchat-notify', { shell, before: hidden, env: quiet })).code, 0);
      assert.equal(told.length, 2);
    });

    it(`slack-notifier sends one message that is JSON whatever the texts are, by ${client} in ${shell} (R-WRK-49)`, async (t) => {
      const { url, told } = await httpServer(t);
      const options = { WERCKER_SLACK_NOTIFIER_URL: `${url}/services/T/B/secret`, WERCKER_SLACK_NOTIFIER_CHANNEL: '#builds' };
      const { code, output } = await runStep('slack-notifier', { shell, before: hidden, env: { ...ended, ...options } });
      assert.equal(code, 0, output);
      assert.equal(told[0]?.type, 'application/json');
      assert.deepEqual(JSON.parse(told[0].body), {
        username: 'cion',
        channel: '#builds',
        attachments: [
          {
            fallback: 'build for shop by Ada "the" <first> has failed on branch main at step: unit tests & more',
            text: '<http://ci.example/runs/7|build> for shop by Ada "the" &lt;first&gt; has failed on branch main at step: unit tests &amp; more',
            color: 'danger',
          },
        ],
      });
      const passed = { ...ended, ...options, WERCKER_RESULT: 'passed' };
      for (const more of [{ WERCKER_SLACK_NOTIFIER_NOTIFY_ON: 'failed' }, { WERCKER_SLACK_NOTIFIER_BRANCH: 'other' }]) {
        assert.equal((await runStep('slack-notifier', { shell, before: hidden, env: { ...passed, ...more } })).code, 0);
      }
      assert.equal(told.length, 1);
    });

    it(`that nobody could be told is said and fails nothing, by ${client} in ${shell}`, async (t) => {
      const { url } = await httpServer(t, 500);
      const { code, output } = await runStep('slack-notifier', {
        shell,
        before: hidden,
        env: { WERCKER_SLACK_NOTIFIER_URL: `${url}/secret` },
      });
      assert.equal(code, 0, output);
      assert.match(output, /^error: slack-notifier: nobody could be told/m);
      assert.match(output, /^message: slack-notifier: nobody could be told/m);
    });

    it(`create-file writes what it is given, byte for byte, and replaces nothing unasked, in ${shell}`, async () => {
      const env = {
        WERCKER_CREATE_FILE_FILENAME: 'a/my file',
        WERCKER_CREATE_FILE_CONTENT: 'a "b" $c `d` \\n\ntwo',
        WERCKER_CREATE_FILE_HIDE_FROM_LOG: 'true',
      };
      const { code, output } = await runStep('create-file', {
        shell,
        env,
        after: 'od -An -c "a/my file" | tr -d "\\n"; echo; . /tmp/run.sh; echo "again=$?"; pwd; set | grep -c "^content="',
      });
      assert.equal(code, 0, output);
      assert.ok(output.replace(/ +/g, ' ').includes('a " b " $ c ` d ` \\ n \\n t w o \\n'), output);
      assert.match(output, /failed: create-file: a\/my file is there already; overwrite: true replaces it\nagain=1\n\/work\n0\n/);
    });

    it(`npm-install installs from the cache of the run, in ${shell}`, async () => {
      const fixture =
        'mkdir -p dep; echo \'{"name":"dep","version":"1.0.0"}\' >dep/package.json; echo \'{"dependencies":{"dep":"file:dep"}}\' >package.json';
      const { code, output } = await runStep('npm-install', {
        shell,
        before: `mkdir -p /work; cd /work; ${fixture}`,
        env: { WERCKER_CACHE_DIR: '/pipeline/cache', WERCKER_NPM_INSTALL_OPTIONS: '--offline --no-audit --install-links' },
        after: 'cat node_modules/dep/package.json; ls -d /pipeline/cache/wercker/npm/_cacache',
      });
      assert.equal(code, 0, output);
      assert.match(output, /"name":"dep"/);
      assert.match(output, /^\/pipeline\/cache\/wercker\/npm\/_cacache$/m);
    });

    it(`npm-install tries three times and fails, in ${shell}`, async () => {
      const { code, output } = await runStep('npm-install', {
        shell,
        before: `mkdir -p /work; echo '{"dependencies":{"dep":"file:nowhere.tgz"}}' >/work/package.json`,
        env: { WERCKER_NPM_INSTALL_OPTIONS: '--offline --no-audit' },
      });
      assert.equal(code, 1, output);
      assert.match(output, /info: npm-install: try 3 of 3[^]*failed: npm-install: npm install failed three times/);
    });

    it(`add-ssh-key gives ssh the key for its host, readable by nobody else, in ${shell}`, async () => {
      const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----';
      const { code, output } = await runStep('add-ssh-key', {
        shell,
        env: { WERCKER_ADD_SSH_KEY_KEYNAME: 'DEPLOY_KEY', WERCKER_ADD_SSH_KEY_HOST: 'git.example', DEPLOY_KEY_PRIVATE: key },
        before: 'set -x',
        after:
          'set +x; ssh -G git.example | grep identityfile; stat -c "%a %n" /root/.ssh /root/.ssh/DEPLOY_KEY; echo "lines=$(wc -l </root/.ssh/DEPLOY_KEY)"',
      });
      assert.equal(code, 0, output);
      assert.match(output, /identityfile \/root\/\.ssh\/DEPLOY_KEY\n700 \/root\/\.ssh\n600 \/root\/\.ssh\/DEPLOY_KEY\nlines=3/);
      assert.doesNotMatch(output, /BEGIN/);
      const escaped = await runStep('add-ssh-key', {
        shell,
        env: { WERCKER_ADD_SSH_KEY_KEYNAME: 'K', K_PRIVATE: key.replaceAll('\n', '\\n') },
        after: 'echo "lines=$(wc -l </root/.ssh/K)"; ssh -G other.example | grep identityfile',
      });
      assert.match(escaped.output, /lines=3\nidentityfile \/root\/\.ssh\/K\n/);
      for (const name of ['', 'K_PRIVATE', 'a; id', 'NONE']) {
        assert.equal((await runStep('add-ssh-key', { shell, env: { WERCKER_ADD_SSH_KEY_KEYNAME: name } })).code, 1, name);
      }
    });
  }

  it('add-to-known_hosts takes the key of a server with the right fingerprint and no other', {
    skip: whyNoSshServer() ?? false,
  }, async () => {
    await withSshServer(async ({ port }) => {
      const options = { WERCKER_ADD_TO_KNOWN_HOSTS_HOSTNAME: '127.0.0.1', WERCKER_ADD_TO_KNOWN_HOSTS_PORT: `${port}` };
      const unchecked = await runStep('add-to-known_hosts', { env: options, after: `ssh-keygen -l -f /etc/ssh/ssh_known_hosts` });
      assert.equal(unchecked.code, 0, unchecked.output);
      assert.match(unchecked.output, /warn: .* was not checked/);
      const fingerprint = /(SHA256:\S+)/.exec(unchecked.output)?.[1] ?? '';
      assert.notEqual(fingerprint, '');
      for (const shell of shells) {
        const env = { ...options, WERCKER_ADD_TO_KNOWN_HOSTS_FINGERPRINT: fingerprint, WERCKER_ADD_TO_KNOWN_HOSTS_LOCAL: 'true' };
        const checked = await runStep('add-to-known_hosts', { shell, env, after: 'ssh-keygen -l -f /root/.ssh/known_hosts' });
        assert.equal(checked.code, 0, checked.output);
        const wrong = { ...env, WERCKER_ADD_TO_KNOWN_HOSTS_FINGERPRINT: fingerprint.slice(0, 12) };
        const refused = await runStep('add-to-known_hosts', { shell, env: wrong, after: 'cat /root/.ssh/known_hosts | wc -c' });
        assert.equal(refused.code, 1, refused.output);
        assert.match(refused.output, /no key of 127\.0\.0\.1 has the fingerprint[^]*\n0\n/);
      }
    });
  });

  it('add-to-known_hosts fails where nobody answers', async () => {
    const options = { WERCKER_ADD_TO_KNOWN_HOSTS_HOSTNAME: '127.0.0.1', WERCKER_ADD_TO_KNOWN_HOSTS_PORT: '1' };
    const { code, output } = await runStep('add-to-known_hosts', { env: options });
    assert.equal(code, 1);
    assert.match(output, /127\.0\.0\.1 tells no key/);
  });

  it('s3sync makes the bucket have what the directory has, and nothing else below its prefix', { skip: whyNoS3() }, async (t) => {
    const server = await s3Server();
    t.after(() => server.close());
    const bucket = await server.bucket();
    const client = server.client(users.ada);
    for (const name of ['site/old & gone.txt', 'elsewhere.txt'])
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: 'old' }));
    const env = {
      WERCKER_S3SYNC_KEY_ID: users.ada.accessKeyId,
      WERCKER_S3SYNC_KEY_SECRET: users.ada.secretAccessKey,
      WERCKER_S3SYNC_BUCKET_URL: `s3://${bucket}/site/`,
      WERCKER_S3SYNC_SOURCE_DIR: 'build/',
      WERCKER_S3SYNC_ENDPOINT: server.endpoint,
      WERCKER_ROOT: '/work',
    };
    const files = 'mkdir -p "/work/build/a b"; echo one >/work/build/index.html; echo two >"/work/build/a b/ü+%.txt"; : >/work/build/empty';
    for (const shell of shells) {
      const { code, output } = await runStep('s3sync', { shell, env, before: files, after: '. /tmp/run.sh' });
      assert.equal(code, 0, output);
      assert.match(output, /0 uploaded, 0 removed, of 3 files\n$/);
      assert.doesNotMatch(output, new RegExp(users.ada.secretAccessKey));
    }
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    assert.deepEqual(
      Contents.map(({ Key = '' }) => Key),
      ['elsewhere.txt', 'site/a b/ü+%.txt', 'site/empty', 'site/index.html'],
    );
    const page = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'site/index.html' }));
    assert.deepEqual([await page.Body?.transformToString(), page.ContentType], ['one\n', 'text/html']);
    const denied = { ...env, WERCKER_S3SYNC_KEY_SECRET: 'wrong' };
    const refused = await runStep('s3sync', { env: denied, before: files });
    assert.equal(refused.code, 1);
    assert.match(refused.output, /cannot be listed: HTTP 403/);
  });

  const standIn = (program: string): string =>
    `mkdir -p /work; cd /work; printf '#!/bin/sh\\necho "[${program} $*]"\\n[ "$*" != "$FAILS" ]\\n' >/usr/bin/${program}; chmod +x /usr/bin/${program}`;

  for (const shell of shells) {
    it(`bundle-install, pip-install and install-packages ask the program of the box for what their options say, in ${shell}`, async () => {
      const bundle = await runStep('bundle-install', {
        shell,
        before: `${standIn('bundle')}; : >Gemfile`,
        env: { WERCKER_CACHE_DIR: '/cache', WERCKER_BUNDLE_INSTALL_WITHOUT: 'development test', WERCKER_BUNDLE_INSTALL_JOBS: '4' },
      });
      assert.equal(bundle.code, 0, bundle.output);
      assert.match(
        bundle.output,
        /\[bundle config set --local path \/cache\/bundle-install\]\n\[bundle config set --local without development:test\]/,
      );
      assert.match(bundle.output, /\[bundle install --retry 3 --jobs 4\]\nsuccess/);
      const failing = await runStep('bundle-install', {
        shell,
        before: `${standIn('bundle')}; : >Gemfile`,
        env: { FAILS: 'install --retry 3' },
      });
      assert.equal(failing.code, 1, failing.output);
      assert.equal(failing.output.match(/\[bundle install/g)?.length, 3);
      assert.equal((await runStep('bundle-install', { shell })).code, 0);

      const pip = await runStep('pip-install', {
        shell,
        before: `${standIn('pip')}; : >requirements.txt`,
        env: { WERCKER_PIP_INSTALL_REQUIREMENTS_FILE: 'requirements.txt', WERCKER_PIP_INSTALL_PACKAGES_LIST: 'flask pytest==7.*' },
      });
      assert.equal(pip.code, 0, pip.output);
      assert.match(pip.output, /\[pip install -r requirements\.txt flask pytest==7\.\*\]/);
      const missing = { WERCKER_PIP_INSTALL_REQUIREMENTS_FILE: 'other.txt', WERCKER_PIP_INSTALL_PACKAGES_LIST: 'flask' };
      assert.equal((await runStep('pip-install', { shell, before: standIn('pip'), env: missing })).code, 1);

      const packages = { WERCKER_INSTALL_PACKAGES_PACKAGES: 'git\nopenssh-client' };
      const apt = await runStep('install-packages', { shell, before: standIn('apt-get'), env: packages });
      assert.equal(apt.code, 0, apt.output);
      assert.match(apt.output, /\[apt-get update -q\]\n\[apt-get install -q -y git openssh-client\]/);
      const broken = await runStep('install-packages', {
        shell,
        before: standIn('apk'),
        env: { ...packages, FAILS: 'add --no-cache git openssh-client' },
      });
      assert.equal(broken.code, 1);
      assert.match(broken.output, /failed: install-packages: cannot install git openssh-client, tried three times/);
    });
  }
});
