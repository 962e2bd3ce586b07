import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Actor, Right } from './actor.ts';
import { permit } from './permit.ts';
import { testGuard } from './testing/test-guard.ts';

describe('who may do what', () => {
  const project = 'acme/app';
  const person = (account: string): Actor => ({ kind: 'account', account, name: account, isAdmin: false });
  const asked = async (actor: Actor, right: Right, name = project) => {
    const guard = testGuard();
    guard.grant('ada', project, 'read', 'run');
    guard.grant('eve', project, 'read');
    const code = await permit(guard, actor, right, { action: 'run.begin', project: name }).then(
      () => 'may',
      ({ code, status }: { readonly code: string; readonly status: number }) => `${status} ${code}`,
    );
    return [code, guard.notes.map(({ action, outcome, detail }) => `${action} ${outcome} ${detail['right']}`).join()];
  };

  it('is answered in one place, and what is refused to somebody with a name is in the audit', async () => {
    assert.deepEqual(await asked(person('ada'), 'run'), ['may', '']);
    assert.deepEqual(await asked(person('eve'), 'run'), ['403 FORBIDDEN', 'run.begin refused run']);
    assert.deepEqual(await asked({ kind: 'anonymous' }, 'run'), ['404 PROJECT_UNKNOWN', '']);
  });

  it('does not say whether there is a project that somebody may not see, and notes no look at a name (atk-64)', async () => {
    for (const name of [project, 'acme/none']) {
      assert.deepEqual(await asked(person('mallory'), 'run', name), ['404 PROJECT_UNKNOWN', 'run.begin refused run']);
      assert.deepEqual(await asked(person('mallory'), 'read', name), ['404 PROJECT_UNKNOWN', '']);
    }
  });

  it('asks for a login where one could help', async () => {
    const guard = testGuard();
    guard.public.add(project);
    const wish = { action: 'run.begin', project };
    await assert.rejects(permit(guard, { kind: 'anonymous' }, 'run', wish), { code: 'LOGIN_REQUIRED', status: 401 });
    await assert.rejects(permit(guard, { kind: 'anonymous' }, 'admin', { action: 'account.list' }), { code: 'LOGIN_REQUIRED' });
    assert.deepEqual(guard.notes, []);
  });
});
