import { describe, expect, it } from 'vitest';

import type { ElementRecord } from '../../../api';
import { withNewest, withOlder, type Way } from './way';

const step = (key: number, state: ElementRecord['state'] = 'completed'): ElementRecord => ({ elementInstanceKey: String(key), elementId: 'task', elementType: 'serviceTask', state, startedAt: '2030-01-01T00:00:00Z' });
const way = (keys: readonly number[], cursor: string | null): Way => ({ items: keys.map((key) => step(key)), cursor });
const keysOf = ({ items }: Way) => items.map((record) => Number(record.elementInstanceKey));
const nothingRuns = () => false;

describe('the way of an instance', () => {
  it('keeps older steps when newer ones come', () => {
    const read = withOlder(way([9, 8, 7], '7'), '7', { items: [step(6), step(5)], nextCursor: '5' });
    const after = withNewest(read, way([10, 9, 8], '8'), nothingRuns);
    expect(keysOf(after)).toEqual([10, 9, 8, 7, 6, 5]);
    expect(after.cursor).toBe('5');
  });

  it('ends where the last page says so', () => {
    const read = withOlder(way([3, 2], '2'), '2', { items: [step(1)] });
    expect(keysOf(read)).toEqual([3, 2, 1]);
    expect(read.cursor).toBeNull();
    expect(withNewest(read, way([4, 3], '3'), nothingRuns).cursor).toBeNull();
  });

  it('shows no hole: after many new steps it begins anew', () => {
    const after = withNewest(way([3, 2, 1], null), way([9, 8, 7], '7'), nothingRuns);
    expect(keysOf(after)).toEqual([9, 8, 7]);
    expect(after.cursor).toBe('7');
  });

  it('begins anew when an older step has gone on', () => {
    const known = { items: [step(3), step(2), step(1, 'active')], cursor: null };
    expect(keysOf(withNewest(known, way([4, 3], '3'), (key) => key === '1'))).toEqual([4, 3, 2, 1]);
    expect(keysOf(withNewest(known, way([4, 3], '3'), nothingRuns))).toEqual([4, 3]);
  });

  it('takes no page of a way that has become another one', () => {
    expect(keysOf(withOlder(way([9, 8], '8'), '5', { items: [step(4)] }))).toEqual([9, 8]);
  });
});
