import type { Step } from '../../../plan/plan.ts';
import { RuntimeError } from '../../runtime-error.ts';
import type { Item } from '../../runtime.ts';
import type { Parts } from '../parts.ts';

/** How a step of cion's own ended, for the shell a command. */
export type Performed = { readonly code: number; readonly message?: string };

export type InternalContext = {
  readonly parts: Parts;
  readonly item: Item;
  readonly container: { readonly id: string; readonly name: string };
  /** Exported in the shell at this moment. */
  readonly env: Readonly<Record<string, string>>;
  /** Into the log of the step. */
  readonly write: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>;
  /** Aborts when the step is interrupted, or nobody wants it any more. */
  readonly signal: AbortSignal;
};

/** Throws a RuntimeError where cion could not, and then the stage errors. It may be performed again after a crash. */
export const performInternal = async (
  step: Step & { readonly action: { readonly kind: 'internal' } },
  _context: InternalContext,
): Promise<Performed> => {
  throw new RuntimeError('UNSUPPORTED', `steps of the kind "${step.action.what}" cannot be carried out yet`);
};
