import { expect, test } from 'vitest';

import { everything, filterOf, queryOf } from './instance-filter';

test('a filter comes back from the address', () => {
  expect(queryOf(everything)).toBe('');
  expect(filterOf('')).toEqual(everything);
  const filter = { processId: 'p & q', version: '3', state: 'completed', incident: 'false', elementId: 'päck' } as const;
  expect(filterOf(queryOf(filter))).toEqual(filter);
});

test('what is no filter is left out', () => {
  expect(filterOf('?state=asleep&incident=maybe&version=-1&other=1&process=p')).toEqual({ ...everything, processId: 'p' });
});
