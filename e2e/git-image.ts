import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { After } from './engine.ts';
import { smallImage } from './machine-image.ts';
import { type Files, repository } from './repository.ts';

/** A branch of a repository on GitHub. */
export type Hosted = { readonly name: string; readonly branch: string; readonly files: Files };

/** An image with this machine's git and ssh, for which these repositories are what GitHub has. Gone after the test. */
export const gitImage = (t: After, name: string, hosted: readonly Hosted[]): Promise<string> => {
  const undone: (() => void)[] = [];
  t.after(async () => {
    for (const undo of undone) undo();
  });
  return smallImage(t, name, ['git', 'ssh'], (folder) => {
    for (const { name: path, branch, files } of hosted) {
      const from = repository({ after: (undo) => void undone.push(undo as () => void) }, files);
      const to = join(folder, 'srv/git', `${path}.git`);
      mkdirSync(join(folder, 'srv/git'), { recursive: true });
      execFileSync('git', ['clone', '--quiet', '--bare', from, to]);
      execFileSync('git', ['--git-dir', to, 'branch', '--move', branch]);
    }
    for (const program of ['git-upload-pack', 'git-receive-pack']) symlinkSync('git', join(folder, 'usr/bin', program));
    mkdirSync(join(folder, 'etc/ssh'), { recursive: true });
    writeFileSync(
      join(folder, 'etc/gitconfig'),
      '[safe]\n\tdirectory = *\n[url "/srv/git/"]\n\tinsteadOf = https://github.com/\n\tinsteadOf = git@github.com:\n',
    );
  });
};
