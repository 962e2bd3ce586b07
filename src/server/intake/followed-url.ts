/** Where a renamed repository is cloned from: only at the same server, and in the same way, as before (atk-03). */
export const followedUrl = (before: string, after: string): string => {
  try {
    const [old, now] = [new URL(before), new URL(after)];
    const isSafe =
      now.protocol === old.protocol && now.host === old.host && now.username === '' && now.password === '' && now.search === '';
    return isSafe ? now.href : before;
  } catch {
    return before;
  }
};
