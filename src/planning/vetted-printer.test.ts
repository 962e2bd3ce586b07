import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsed } from '../plan/problem.ts';
import { vettedPrinter } from './vetted-printer.ts';

test('an image that the policy does not let a stage run prints nothing either, for it is not run', async () => {
  const ran: string[] = [];
  const printedBy = vettedPrinter(
    async (image) => {
      ran.push(image);
      return parsed(new Uint8Array());
    },
    () => ({
      policy: {
        production: true,
        allowRegistries: ['docker.io/acme'],
        privateServices: [{ image: 'acme/private', projects: ['shop'] }],
      },
      projects: ['shop'],
      signal: new AbortController().signal,
      log: () => undefined,
    }),
  );
  const codes = async (image: string) => {
    const answer = await printedBy(image);
    return answer === 'later' || answer.ok ? [] : answer.problems.map(({ code }) => code);
  };
  assert.deepEqual(await codes('elsewhere.example/low'), ['IMAGE_NOT_ALLOWED']);
  assert.deepEqual(await codes('acme/private:1'), ['IMAGE_PRIVATE']);
  assert.deepEqual(await codes('acme/low'), []);
  assert.deepEqual(ran, ['acme/low']);
});
