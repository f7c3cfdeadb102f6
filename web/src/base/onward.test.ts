import { expect, test } from 'vitest';

import { onwardOf } from './onward';

const origin = 'https://consilium.example';
const onward = (next: string, more = '') => onwardOf(`?next=${encodeURIComponent(next)}${more}`, origin);

test('a login leads on to a path of this server', () => {
  expect(onward('/oauth2/authorize?client_id=a&state=b%26c')).toEqual({ path: '/oauth2/authorize?client_id=a&state=b%26c', again: false });
  expect(onward('/oauth2/authorize?x=1', '&again=1')).toEqual({ path: '/oauth2/authorize?x=1', again: true });
  expect(onwardOf('', origin)).toBeNull();
});

test.each(['https://evil.example/', '//evil.example/', '/\\evil.example/', '/\t/evil.example', '\\\\evil.example', 'javascript:alert(1)', 'data:text/html,x', 'evil', '', '/login?next=%2Flogin', 'http://['])(
  'and to no other site: %j',
  (next) => {
    expect(onward(next)).toBeNull();
  },
);
