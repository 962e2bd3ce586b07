/**
 * Calls that come while one is under way are made together when it has ended: `all` is given them in their order and answers each. When it rejects, all
 * that were in it do.
 */
export const batched = <In, Out>(all: (inputs: readonly In[]) => Promise<readonly Out[]>): ((input: In) => Promise<Out>) => {
  let waiting: { readonly input: In; readonly answer: PromiseWithResolvers<Out> }[] = [];
  let busy = false;

  const work = async (): Promise<void> => {
    busy = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        const outputs = await all(batch.map(({ input }) => input));
        for (const [index, { answer }] of batch.entries()) answer.resolve(outputs[index] as Out);
      } catch (error) {
        for (const { answer } of batch) answer.reject(error);
      }
    }
    busy = false;
  };

  return (input) => {
    const answer = Promise.withResolvers<Out>();
    waiting.push({ input, answer });
    if (!busy) void work();
    return answer.promise;
  };
};
