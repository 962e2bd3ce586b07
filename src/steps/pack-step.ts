import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type Parsed, parsed } from '../plan/problem.ts';
import { readStepDirectory } from './read-step-directory.ts';
import { unsafeStep } from './step-code.ts';
import type { StepFiles } from './step-entries.ts';
import { publishable, type StepManifest } from './step-manifest.ts';
import { tarOfStep } from './tar-of-step.ts';

export type PackedStep = { readonly manifest: StepManifest; readonly archive: Buffer; readonly sha256: string; readonly files: number };

/** A step's directory as the tar.gz that a registry takes; the same files are the same bytes. */
export const packStep = async (directory: string): Promise<Parsed<PackedStep>> => {
  let files: StepFiles;
  try {
    files = await readStepDirectory(directory);
  } catch (error) {
    return unsafeStep(directory, error);
  }
  const manifest = publishable(directory, files);
  if (!manifest.ok) return manifest;
  const archive = gzipSync(tarOfStep(files), { level: 9 });
  return parsed({ manifest: manifest.value, archive, sha256: createHash('sha256').update(archive).digest('hex'), files: files.size });
};
