/** What stands in any base64 text that contains the bytes, whatever stands before and behind them; also URL-safe. */
export const base64Forms = (raw: Buffer): readonly string[] =>
  [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), raw])
      .toString('base64')
      .replace(/=+$/, '');
    const from = Math.ceil((offset * 8) / 6);
    const whole = Math.floor(((offset + raw.length) * 8) / 6);
    const sure = text.slice(from, whole);
    return [sure, sure.replaceAll('+', '-').replaceAll('/', '_')];
  });

export const hexForms = (raw: Buffer): readonly string[] => {
  const lower = raw.toString('hex');
  return [lower, lower.toUpperCase()];
};
