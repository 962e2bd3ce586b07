import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agreeOnVersion } from './api-version.ts';

describe('the version of the API', () => {
  it('is the newest that both sides know, by number and not by text', () => {
    assert.equal(agreeOnVersion('here', '1.41'), '1.41');
    assert.equal(agreeOnVersion('here', '1.47'), '1.47');
    assert.equal(agreeOnVersion('here', '1.52'), '1.47');
    assert.equal(agreeOnVersion('here', '1.100'), '1.47');
    assert.equal(agreeOnVersion('here', '2.0'), '1.47');
  });

  it('below 1.40 is refused with both numbers', () => {
    assert.throws(() => agreeOnVersion('here', '1.39'), /the Docker Engine at here is too old: it has API 1\.39, 1\.40 .* is needed/);
    assert.throws(() => agreeOnVersion('here', '1.9'), /too old/);
  });

  it('that is not told means that there is no Docker Engine', () => {
    for (const offered of [undefined, '', 'latest']) {
      assert.throws(() => agreeOnVersion('here', offered), {
        name: 'EngineError',
        code: 'refused',
        message: 'what answers at here is no Docker Engine',
      });
    }
  });
});
