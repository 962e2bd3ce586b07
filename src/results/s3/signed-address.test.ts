import assert from 'node:assert/strict';
import { it } from 'node:test';
import { encoded, signedAddress } from './signed-address.ts';

const key = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const at = Date.parse('2013-05-24T00:00:00Z');

it('an address is signed as in the example of Amazon', () => {
  assert.equal(
    signedAddress(
      { method: 'GET', origin: 'https://examplebucket.s3.amazonaws.com', path: '/test.txt' },
      { key, region: 'us-east-1', at, seconds: 86400 },
    ),
    'https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256' +
      '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z' +
      '&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
      '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  );
});

it('what has a meaning in an address, or an accent, has none in a name', () => {
  assert.equal(encoded("a b/ü!'()*?&#"), 'a%20b%2F%C3%BC%21%27%28%29%2A%3F%26%23');
});
