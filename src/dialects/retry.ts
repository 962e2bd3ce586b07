import type { Retry, RetryCause } from '../plan/plan.ts';
import { mapping, optional, required } from './mapping.ts';
import { wholeNumber } from './numbers.ts';
import { byKind, choice, mapped, oneOrMore, type Shape } from './shape.ts';

const causes = ['failed', 'errored', 'timeout', 'oom'] as const satisfies readonly RetryCause[];
const attempts = wholeNumber(1, 10);

/** How often in all, or attempts and the causes to try again. */
export const retry: Shape<Retry> = byKind<Retry>({
  scalar: { ...mapped(attempts, (count): Retry => retryOf(count, causes)), what: attempts.what },
  map: mapped(
    mapping({
      attempts: required(attempts, 'How often it is tried in all.'),
      on: optional(
        oneOrMore(choice('a cause to try again', causes)),
        'Causes to try again: failed, errored, timeout, oom; otherwise all of them.',
      ),
    }),
    (given) => retryOf(given.attempts, given.on ?? causes),
  ),
});

const retryOf = (count: number, on: readonly RetryCause[]): Retry => ({ attempts: count, on: count === 1 ? [] : [...new Set(on)] });
