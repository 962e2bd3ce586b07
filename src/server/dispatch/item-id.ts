/** One attempt of one stage of one run, as the queue and the protocol name it: `<run>/<stage>/<attempt>`. */
export type ItemKey = { readonly run: string; readonly stage: string; readonly attempt: number };

export const itemId = ({ run, stage, attempt }: ItemKey): string => `${run}/${stage}/${attempt}`;

/** `undefined` when the text is none. Stages may have a slash in their names. */
export const itemKeyOf = (id: string): ItemKey | undefined => {
  const [, run, stage, attempt] = /^([^/]+)\/(.+)\/([1-9]\d{0,8})$/s.exec(id) ?? [];
  return run === undefined || stage === undefined ? undefined : { run, stage, attempt: Number(attempt) };
};
