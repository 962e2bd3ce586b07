import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

/** A process that takes the lock, says so, and gives it back when its stdin ends. */
const holder = (name: string) => {
  const program = `
    const { withLock } = await import('./scripts/setup/lock.mjs');
    const say = (word) => process.stdout.write(word + '\\n');
    await withLock(${JSON.stringify(name)}, () => say('waits'), async () => {
      say('has');
      for await (const _ of process.stdin);
    });
    process.exit();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const words = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
  return { child, next: async (): Promise<unknown> => (await words.next()).value };
};

const skip = process.platform !== 'linux' && 'only Linux has names that the kernel frees';

for (const [how, end] of [
  ['gives it back', (child: ReturnType<typeof spawn>) => child.stdin?.end()],
  ['is killed', (child: ReturnType<typeof spawn>) => child.kill('SIGKILL')],
] as const) {
  test(`the second set-up waits until the first ${how}`, { skip }, async (t) => {
    const name = `cion-test-lock-${process.pid}-${how}`;
    const first = holder(name);
    t.after(() => first.child.kill('SIGKILL'));
    assert.equal(await first.next(), 'has\n');
    const second = holder(name);
    t.after(() => second.child.kill('SIGKILL'));
    assert.equal(await second.next(), 'waits\n');
    end(first.child);
    assert.equal(await second.next(), 'has\n');
    second.child.stdin.end();
    assert.deepEqual(await once(second.child, 'exit'), [0, null]);
  });
}
