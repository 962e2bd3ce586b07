import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { keyName } from './sealer.ts';

/** Who made a backup had this key, and nobody has changed its manifest since. Says nothing about the key. */
export type BackupSeal = { readonly key: string; readonly mac: string };

export const sealBackup = ([newest]: readonly [Uint8Array, ...Uint8Array[]], manifest: Uint8Array): BackupSeal => ({
  key: keyName(newest),
  mac: macOf(newest, manifest).toString('hex'),
});

/** `other-key`: none of these. */
export const checkBackup = (
  keys: readonly Uint8Array[],
  { key: name, mac }: BackupSeal,
  manifest: Uint8Array,
): 'good' | 'other-key' | 'changed' => {
  const key = keys.find((one) => keyName(one) === name);
  if (key === undefined) return 'other-key';
  const given = Buffer.from(mac, 'hex');
  const wanted = macOf(key, manifest);
  return given.length === wanted.length && timingSafeEqual(given, wanted) ? 'good' : 'changed';
};

const macOf = (key: Uint8Array, manifest: Uint8Array): Buffer =>
  createHmac('sha256', Buffer.from(hkdfSync('sha256', key, '', 'cion backup', 32)))
    .update(manifest)
    .digest();
