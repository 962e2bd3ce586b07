import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { TestDatabase } from '../../store/sql/testing/databases.ts';
import { gitHubExamples } from '../forges/testing/github-examples.ts';
import { caseOf, fromGitea, fromGitHub, fromGitLab, type Sent } from '../forges/testing/hook-request.ts';
import { boundTo, intakeDatabase, type IntakeServer, intakeServer } from './testing/intake-server.ts';
import { post } from './testing/post.ts';

const commands = ['/approve', '/run', '/retest', 'ok to test', '@cion approve 7', '/cion approve\n/cion run'];

describe('comments at a forge', () => {
  let made: TestDatabase;
  let server: IntakeServer;
  before(async () => {
    made = await intakeDatabase();
    server = await intakeServer(made);
    server.start();
  });
  after(async () => {
    await server.close();
    await made.close();
  });

  /** Genuine, of a stranger and of the one who owns the project, each with another text. */
  const told = async (kind: 'github' | 'gitlab' | 'gitea', repository: string, sent: (secret: string) => readonly Sent[]) => {
    const project = await server.addProject(`${kind}/app`, boundTo(kind, repository));
    const all = sent(server.secretOf(project));
    for (const one of all) {
      const answer = await post(server.url, `/hooks/${kind}/${project.name}`, one);
      assert.equal(answer.status, 202, answer.text);
    }
    await server.idle();
    const deliveries = await server.deliveries.list(project.name, 1000);
    assert.equal(deliveries.length, all.length);
    for (const { result } of deliveries) {
      assert.deepEqual([result?.kind, result?.runs], ['ignored', []]);
      assert.match(result?.note ?? '', /^It tells of an event "[\w ]+": comments begin and approve nothing\.$/);
    }
    assert.deepEqual([server.begun, server.notes, server.warnings], [[], [], []]);
  };
  let id = 0;
  const next = (): string => `c${++id}`;
  const everybody = [
    { id: 99, login: 'stranger' },
    { id: 21031067, login: 'Codertocat' },
  ];

  it('of GitHub begin and approve nothing, whatever they say and whoever writes them: they are taken and kept (atk-14)', () =>
    told('github', '186853002', (secret) =>
      (['issue_comment', 'pull_request_review_comment', 'commit_comment', 'pull_request_review'] as const).flatMap((event) =>
        gitHubExamples(event)
          .slice(0, 1)
          .flatMap((example) =>
            commands.flatMap((body) =>
              everybody.map((sender) =>
                fromGitHub(
                  event,
                  { ...example, sender, comment: { id, body, user: sender }, review: { body, user: sender, id } },
                  secret,
                  next(),
                ),
              ),
            ),
          ),
      ),
    ));

  it('of GitLab begin and approve nothing (atk-14)', () => {
    const note = caseOf('gitlab', 'note-merge-request');
    return told('gitlab', '15', (secret) =>
      commands.map((text) =>
        fromGitLab('Note Hook', { ...note, object_attributes: { ...(note['object_attributes'] as object), note: text } }, secret, next()),
      ),
    );
  });

  it('of Gitea begin and approve nothing, nor do its reviews (atk-14)', () => {
    const comment = caseOf('gitea', 'issue-comment');
    return told('gitea', '140', (secret) =>
      ['issue_comment', 'pull_request_comment', 'pull_request_approved', 'pull_request_rejected'].flatMap((event) =>
        commands.map((body) =>
          fromGitea(
            event,
            { ...comment, event, comment: { ...(comment['comment'] as object), body }, review: { content: body } },
            secret,
            next(),
          ),
        ),
      ),
    );
  });
});
