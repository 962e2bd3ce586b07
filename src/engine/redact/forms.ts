/** Shorter values cannot be kept out of a log without spoiling it. */
export const shortestSecretBytes = 4;

/**
 * The byte strings in which a secret may show itself: as it is, trimmed, line by line, in base64 (at its three offsets, also URL-safe),
 * hexadecimal, URL-encoded and as a JSON string's inside. Parts shorter than the shortest secret are left out.
 */
export const formsOf = (secret: string): readonly Uint8Array[] => {
  const raw = Buffer.from(secret);
  const texts = [
    secret,
    secret.trim(),
    ...secret.split(/\r?\n/).map((line) => line.trim()),
    raw.toString('hex'),
    raw.toString('hex').toUpperCase(),
    ...base64Forms(raw),
    encoded(secret),
    JSON.stringify(secret).slice(1, -1),
  ];
  return [...new Set(texts)].map((text) => Buffer.from(text)).filter((bytes) => bytes.length >= shortestSecretBytes);
};

/** What stands in any base64 text that contains the bytes, whatever stands before and behind them. */
const base64Forms = (raw: Buffer): readonly string[] =>
  [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), raw])
      .toString('base64')
      .replace(/=+$/, '');
    const from = Math.ceil((offset * 8) / 6);
    const whole = Math.floor(((offset + raw.length) * 8) / 6);
    const sure = text.slice(from, whole);
    return [sure, sure.replaceAll('+', '-').replaceAll('/', '_')];
  });

const encoded = (secret: string): string => (secret.isWellFormed() ? encodeURIComponent(secret) : secret);
