import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import type { ApprovalNews, RunFinished } from '../runs/run-news.ts';
import { mailMessage } from './mail-message.ts';
import { slackMessage } from './slack-message.ts';
import { toldOf } from './told.ts';
import { webMessage } from './web-message.ts';

const news: RunFinished = {
  kind: 'finished',
  run: 'run_1',
  number: 12,
  project: 'ada/shop',
  pipeline: 'cion',
  trigger: { kind: 'push', by: 'ada', ref: 'refs/heads/main' },
  commit: 'c0ffee',
  branch: 'main',
  subject: 'A small change',
  at: 1_800_000_060_000,
  startedAt: 1_800_000_000_000,
  outcome: 'failed',
  environments: ['staging'],
  notPassed: [{ stage: 'test', outcome: 'failed', why: 'exit code 1' }],
};
const same = (text: string): string => text;
const slackText = (subject: string, more: Partial<RunFinished> = {}): string =>
  (JSON.parse(slackMessage(toldOf({ ...news, subject, ...more }, same, 'https://ci.example.org'))) as { text: string }).text;

test('what is told has names, numbers, outcomes and the address of the page', () => {
  assert.deepEqual(toldOf(news, same, 'https://ci.example.org'), {
    event: 'run.finished',
    project: 'ada/shop',
    pipeline: 'cion',
    run: 'run_1',
    number: 12,
    at: 1_800_000_060_000,
    trigger: 'push',
    url: 'https://ci.example.org/ada/shop/12',
    commit: 'c0ffee',
    branch: 'main',
    subject: 'A small change',
    outcome: 'failed',
    startedAt: 1_800_000_000_000,
    environments: ['staging'],
    notPassed: [{ stage: 'test', outcome: 'failed', why: 'exit code 1' }],
  });
});

test('texts of a project go through what takes its secrets out, and are cut after that', () => {
  const clean = (text: string): string => text.replaceAll('hunter2', '*******');
  const told = toldOf(
    {
      ...news,
      subject: `use hunter2 ${'x'.repeat(300)}`,
      branch: 'hunter2',
      environments: ['hunter2'],
      notPassed: [{ stage: 'hunter2', outcome: 'failed', why: 'hunter2' }],
    },
    clean,
  );
  assert.doesNotMatch(JSON.stringify(told), /hunter2/);
  assert.equal([...(told.subject ?? '')].length, 200);
  const gate = toldOf({ ...news, kind: 'gate', gate: 'hunter2', who: ['hunter2'] }, clean);
  assert.doesNotMatch(JSON.stringify(gate), /hunter2/);
});

test('a Slack message says it in two lines, with one link: ours', () => {
  assert.equal(
    slackText('A small change'),
    ':x: `ada/shop` <https://ci.example.org/ada/shop/12|#12> failed on `main`: `A small change`\n• `test` failed: `exit code 1`',
  );
});

const asked: ApprovalNews = {
  kind: 'approval',
  run: 'run_1',
  number: 12,
  project: 'ada/shop',
  pipeline: '',
  trigger: { kind: 'pull-request', by: 'eve', number: 7, ref: 'refs/pull/7/head', fork: true },
  commit: 'c0ffeec0ffeec0ffee',
  at: 1_800_000_000_000,
  until: 1_800_432_000_000,
};
const decided = (decision: Omit<NonNullable<ApprovalNews['decision']>, 'at'>): ApprovalNews => ({
  ...asked,
  decision: { ...decision, at: asked.at },
});
const toldHere = (news: ApprovalNews) => toldOf(news, same, 'https://ci.example.org');
const textIn = (message: string): string => (JSON.parse(message) as { text: string }).text;

test('who asks for approval is told with commit, pull request, until when, and the page where it is decided', () => {
  const told = toldHere(asked);
  assert.deepEqual(told, {
    event: 'approval.asked',
    project: 'ada/shop',
    pipeline: '',
    run: 'run_1',
    number: 12,
    at: 1_800_000_000_000,
    trigger: 'pull-request',
    url: 'https://ci.example.org/ada/shop/12',
    commit: 'c0ffeec0ffeec0ffee',
    by: 'eve',
    pullRequest: 7,
    until: 1_800_432_000_000,
  });
  assert.deepEqual(mailMessage(told), {
    subject: 'ada/shop #12 waits for approval until 2027-01-20 08:00 UTC: c0ffeec0ffee of pull request 7 by eve',
    text: [
      'ada/shop #12 waits for approval until 2027-01-20 08:00 UTC: c0ffeec0ffee of pull request 7 by eve.',
      '',
      '- Approve or reject it on its page, or with "cion approve 12 --server"',
      '',
      'https://ci.example.org/ada/shop/12',
      '',
    ].join('\n'),
  });
  assert.match(
    textIn(slackMessage(told)),
    /^:raised_hand: `ada\/shop` <[^>]*\|#12> waits for approval until .* by `eve`\n• .*<https:[^>]*\|its page>/,
  );
});

test('how it was decided is told with who said so and why; when nobody did, with nobody', () => {
  const said = (news: ApprovalNews): string => textIn(slackMessage(toldOf(news, same)));
  const change = '`c0ffeec0ffee` of pull request 7 by `eve`';
  assert.equal(said(decided({ kind: 'approved', by: 'ada' })), `:thumbsup: \`ada/shop\` #12 was approved by \`ada\`: ${change}`);
  assert.equal(
    said(decided({ kind: 'rejected', by: 'ada', reason: 'no *thanks*' })),
    `:no_entry_sign: \`ada/shop\` #12 was rejected by \`ada\`: ${change}\n• \`no *thanks*\``,
  );
  const expired = decided({ kind: 'expired', by: 'clock' });
  assert.equal(said(expired), `:hourglass: \`ada/shop\` #12 was not approved in time: ${change}`);
  assert.deepEqual((JSON.parse(webMessage({ id: 'l1', told: toldHere(expired) }, 's', 0).body) as { decision: unknown }).decision, {
    kind: 'expired',
  });
});

test('nothing that a fork or who decides about it says is markup, a mention, a link or a header, and no secret is in it (atk-68)', () => {
  const evil = '<!channel> `x` @here https://evil.example\r\nBcc: all@example.org <@U123>';
  const strange = { ...decided({ kind: 'rejected', by: evil, reason: evil }), commit: evil, trigger: { ...asked.trigger, by: evil } };
  for (const news of [strange, { ...asked, commit: evil, trigger: { ...asked.trigger, by: evil } }]) {
    const text = textIn(slackMessage(toldHere(news)));
    assert.doesNotMatch(text.replace(/`[^`]*`/g, '').replace(/<https:\/\/ci\.[^>]*>/g, ''), /evil|channel|here|U123|Bcc/);
    assert.equal(text.split('\n').length, 2);
    const mail = mailMessage(toldHere(news));
    assert.doesNotMatch(mail.subject, /[\r\n]/);
    assert.deepEqual(mail.text.match(/https?:\/\/\S+/g), ['https://ci.example.org/ada/shop/12']);
    assert.doesNotMatch(mail.text, /^Bcc/m);
  }
  assert.doesNotMatch(JSON.stringify(toldOf({ ...strange, commit: 'c0ffee' }, (text) => text.replaceAll('evil', '***'))), /evil/);
});

test('nothing of a commit, a branch or a stage is markup, a mention, a link or a line of its own in Slack (atk-68)', () => {
  const evil = '<!channel> <https://evil.example|ok> `x` @here *b* https://evil.example www.evil.example\n<@U123> &lt;!here&gt;';
  const text = slackText(evil, { branch: evil, notPassed: [{ stage: evil, outcome: 'failed', why: evil }] });
  assert.deepEqual(text.match(/<[^>]*>/g), ['<https://ci.example.org/ada/shop/12|#12>']);
  assert.equal(text.split('\n').length, 2);
  for (const quoted of text.matchAll(/`[^`]*`/g)) assert.doesNotMatch(quoted[0], /[<>\n]|https?:\/\/|@\w|www\.|&(?!amp;|lt;|gt;)/);
  assert.doesNotMatch(text.replace(/`[^`]*`/g, '').replace(/<https:\/\/ci\.[^>]*>/, ''), /evil|channel|here|U123/);
  assert.match(text, /&lt;!channel&gt;/);
  assert.match(text, /&amp;lt;!here&amp;gt;/);
});

test('nothing of a commit makes a header or a link of a mail (atk-68)', () => {
  const evil = 'x\r\nBcc: all@example.org\r\n\r\n<b>https://evil.example</b> \u202egnp.exe';
  const { subject, text } = mailMessage(toldOf({ ...news, subject: evil }, same, 'https://ci.example.org'));
  assert.doesNotMatch(subject, /[\r\n\u202e]/);
  assert.deepEqual(text.match(/https?:\/\/\S+/g), ['https://ci.example.org/ada/shop/12']);
  assert.equal(text.split('\n').length, 6);
});

test('nothing of the name of who asked for a test is markup, a link or a line of its own (atk-68)', () => {
  const evil = '<!channel> `x` @here https://evil.example\r\nBcc: all@example.org';
  const told = { event: 'subscription.tested', project: 'ada/shop', subscription: 'sub1', at: 1_800_000_000_000, by: evil } as const;
  const { text } = JSON.parse(slackMessage(told)) as { text: string };
  assert.equal(text.split('\n').length, 2);
  assert.doesNotMatch(text, /<|@here|https:\/\/evil/);
  const mail = mailMessage(told);
  assert.doesNotMatch(mail.text, /https:\/\/evil|^Bcc/m);
  assert.equal(mail.subject, 'This is a test of what ada/shop tells');
});

test('a web message is signed with its time, so that its receiver can check both', () => {
  const told = toldOf(news, same);
  const { headers, body } = webMessage({ id: 'l1', told }, 'the secret', 1_800_000_061_500);
  assert.deepEqual(JSON.parse(body), { id: 'l1', ...told });
  assert.equal(headers['x-cion-timestamp'], '1800000061');
  const expected = createHmac('sha256', 'the secret').update(`1800000061.${body}`).digest('hex');
  assert.equal(headers['x-cion-signature-256'], `sha256=${expected}`);
  assert.equal(headers['x-cion-delivery'], 'l1');
  assert.doesNotMatch(JSON.stringify(headers) + body, /the secret/);
});
