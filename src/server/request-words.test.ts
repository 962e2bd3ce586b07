import assert from 'node:assert/strict';
import { test } from 'node:test';
import fastify from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { answerError } from './answer-error.ts';

const text = z.string().min(1).max(5);
const body = z.strictObject({
  name: text,
  settings: z.strictObject({ branches: z.array(text).max(2).optional() }).optional(),
  many: z.int().min(1).max(9).optional(),
  way: z.enum(['http', 'slack']).optional(),
  target: z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.enum(['b', 'c']) })]).optional(),
  variables: z.record(z.string().regex(/^\w+$/, 'that is no name of a variable'), z.string()).optional(),
  to: z.email().optional(),
});

test('a request that is not taken is told in words of ours: which part of it, and what is meant', async () => {
  const app = fastify().withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler).setSerializerCompiler(serializerCompiler).setErrorHandler(answerError);
  app.post('/', { schema: { body } }, () => 'taken');
  const told = async (payload: object): Promise<unknown> =>
    (await app.inject({ method: 'POST', url: '/', payload })).json<{ readonly message: string }>().message;
  const name = 'a';
  assert.deepEqual(
    await Promise.all(
      [
        {},
        { name: '' },
        { name: 'abcdef' },
        { name: 7 },
        { name, settings: { branches: ['x', ''] } },
        { name, settings: { branches: ['x', 'y', 'z'] } },
        { name, many: 0 },
        { name, many: 'x' },
        { name, way: 'mail' },
        { name, what: 1 },
        { name, target: { kind: 'd' } },
        { name, variables: { 'a-b': '' } },
        { name, to: 'nobody' },
      ].map(told),
    ),
    [
      '"name": it is missing.',
      '"name": it must have at least 1 character.',
      '"name": it must have at most 5 characters.',
      '"name": it must be a text.',
      '"settings.branches", item 2: it must have at least 1 character.',
      '"settings.branches": it must have at most 2 items.',
      '"many": it must be at least 1.',
      '"many": it must be a number.',
      '"way": it must be "http" or "slack".',
      'The request: "what" is nothing that it may have.',
      '"target.kind": it must be "a" or "b" or "c".',
      '"variables.a-b": that is no name of a variable.',
      '"to": it must be an address of mail.',
    ],
  );
  await app.close();
});
