import type { Generated } from 'kysely';
import type { Outcome, Phase } from '../../run/outcome.ts';
import type { Deployment, RunFact, Trigger } from '../../run/run-event.ts';

/** As 0001-runs.sql makes them. */
export type RunTables = {
  readonly run: {
    readonly id: string;
    readonly place: Generated<number>;
    readonly project: string;
    readonly number: number;
    readonly pipeline: string;
    readonly phase: Phase;
    readonly outcome: Outcome | null;
    readonly trigger: Trigger;
    readonly once: string | null;
    readonly commit: string | null;
    readonly branch: string | null;
    readonly subject: string | null;
    readonly digest: string | null;
    readonly created_at: number;
    readonly started_at: number | null;
    readonly finished_at: number | null;
    readonly last_seq: number;
  };
  readonly event: { readonly run: string; readonly seq: number; readonly at: number; readonly fact: RunFact };
  readonly deployment: {
    readonly place: Generated<number>;
    readonly run: string;
    readonly seq: number;
    readonly project: string;
    readonly number: number;
    readonly pipeline: string;
    readonly stage: string;
    readonly environment: string;
    readonly deployment: Deployment;
  };
  readonly queue_item: {
    readonly id: string;
    readonly place: Generated<number>;
    readonly run: string;
    readonly stage: string;
    readonly attempt: number;
    readonly project: string;
    readonly pipeline: string;
    readonly priority: number;
    readonly labels: readonly string[];
    readonly group_name: string | null;
    readonly group_limit: number | null;
    readonly worker: string | null;
    readonly class: string;
    readonly queued_at: number;
    readonly claimed_by: string | null;
    readonly claimed_at: number | null;
    readonly leased_until: number | null;
    readonly token: number | null;
    readonly sequence: Generated<number>;
  };
};
