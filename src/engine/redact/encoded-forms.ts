/**
 * What stands in any base64 text that contains the bytes, whatever stands before and behind them, and what stands at the end of one that
 * ends with them; also URL-safe.
 */
export const base64Forms = (raw: Buffer): readonly string[] =>
  [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), raw]).toString('base64');
    const from = Math.ceil((offset * 8) / 6);
    const whole = Math.floor(((offset + raw.length) * 8) / 6);
    const forms = [text.slice(from, whole), text.slice(from).replace(/=+$/, ''), text.slice(from)];
    return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
  });

export const hexForms = (raw: Buffer): readonly string[] => {
  const lower = raw.toString('hex');
  return [lower, lower.toUpperCase()];
};
