import type { DeliveryJson } from '../../api/deliveries.ts';
import type { DeliveryRow } from '../../store/deliveries.ts';
import type { RunStore } from '../../store/run-store.ts';

/** Deliveries as people see them: from where, of what, and the numbers of the runs that are there because of them. */
export const shownDeliveries = async (
  deliveries: readonly DeliveryRow[],
  runs: Pick<RunStore, 'list'>,
): Promise<readonly DeliveryJson[]> => {
  const ids = [...new Set(deliveries.flatMap(({ result }) => result?.runs ?? []))];
  const rows = ids.length === 0 ? [] : await runs.list({ runs: ids, limit: ids.length });
  const numbers = new Map(rows.map(({ run, number }) => [run, number]));
  return deliveries.map(({ id, headers, at, tries, result }) => ({
    id,
    ...senderOf(headers),
    at,
    tries,
    ...(result === undefined ? {} : { result: { ...result, numbers: result.runs.flatMap((run) => numbers.get(run) ?? []) } }),
  }));
};

/** Of each forge only its own headers are kept; a git server has none, and tells of pushes alone. */
const senderOf = (headers: DeliveryRow['headers']): Pick<DeliveryJson, 'forge' | 'event'> => {
  for (const forge of ['github', 'gitlab', 'gitea'] as const) {
    const event = headers[`x-${forge}-event`];
    if (event !== undefined) return { forge, event };
  }
  return { forge: 'git', event: 'push' };
};
