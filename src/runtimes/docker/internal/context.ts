import type { Step, StepAction } from '../../../plan/plan.ts';
import type { Item } from '../../runtime.ts';
import type { Parts } from '../parts.ts';

export type Performed = { readonly code: number; readonly message?: string };

export type InternalContext = {
  readonly parts: Parts;
  readonly item: Item;
  readonly container: { readonly id: string; readonly name: string };
  /** What is exported in the step's shell at this moment. */
  readonly env: Readonly<Record<string, string>>;
  /** To the stage's log. */
  readonly write: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>;
  readonly signal: AbortSignal;
};

export type Internal = Step & { readonly action: StepAction & { readonly kind: 'internal' } };

export const say = (context: InternalContext, line: string): Promise<void> => context.write('stdout', Buffer.from(`${line}\n`));
