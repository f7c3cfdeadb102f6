import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';

import { problemOf, type Api } from '../../api';
import { useI18n } from '../../i18n/i18n';
import { Button } from '../../ui/button';
import { ProblemNotice } from '../../ui/problem-notice';

export interface Page<Item> {
  items: Item[];
  nextCursor?: string | null;
}

// Reads a list page by page. `read` is another function when the filters are others; then the list begins anew.
export function useList<Item>(api: Api, read: (api: Api, cursor: string | undefined) => Promise<Page<Item>>, onOver: () => void) {
  const [items, setItems] = useState<readonly Item[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const [busy, setBusy] = useState(true);
  const [error, setError] = useState<unknown>(null);
  // Of two readings that are under way only the later one counts.
  const [last] = useState({ reading: 0 });
  const load = useCallback(async (from?: string) => {
    const reading = (last.reading += 1);
    setBusy(true);
    setError(null);
    try {
      const page = await read(api, from);
      if (reading !== last.reading) return;
      setItems((known) => (from ? [...known, ...page.items] : page.items));
      setCursor(page.nextCursor ?? null);
    } catch (failure) {
      if (problemOf(failure)?.status === 401) onOver();
      else if (reading === last.reading) setError(failure);
    } finally {
      if (reading === last.reading) setBusy(false);
    }
  }, [api, read, onOver, last]);
  useEffect(() => {
    void load();
  }, [load]);
  const attempt = (work: Promise<unknown>) => void work.then(() => load(), (failure: unknown) => setError(failure));
  return { items, cursor, busy, error, load, attempt };
}

// The first one names the line.
export interface Column<Item> {
  head: string;
  cell(item: Item): ComponentChildren;
}

interface ListingProps<Item> {
  list: ReturnType<typeof useList<Item>>;
  title: string;
  columns: readonly Column<Item>[];
  keyOf(item: Item): string;
  filters?: ComponentChildren;
  // Other lists that could stand here instead.
  switcher?: ComponentChildren;
  // What can be done besides reading again.
  buttons?: ComponentChildren;
  // What there is to say before the lines.
  notice?: ComponentChildren;
  // Questions that lie over the list.
  children?: ComponentChildren;
}

// A table; where it is too narrow for one, a card a line (office.css), whose cells then carry the heads. The roles keep it a table
// for those who do not see it.
export function Listing<Item>({ list, title, columns, keyOf, filters, switcher, buttons, notice, children }: ListingProps<Item>) {
  const { t } = useI18n();
  return (
    <main className="office-main" aria-busy={list.busy}>
      <div className="office-head">
        <h2>{title}</h2>
        <div className="row">{buttons}<Button className="button button-small" onPress={() => void list.load()} data-busy={list.busy || undefined}>{t('office.refresh')}</Button></div>
      </div>
      {switcher}
      {filters && <div className="filters" role="search" aria-label={t('office.filters')}>{filters}</div>}
      {list.error !== null && <ProblemNotice error={list.error} />}
      {notice}
      {list.items.length === 0 && !list.busy && <p className="cases-empty">{t('office.none')}</p>}
      {list.items.length > 0 && (
        <div className="table-frame" tabIndex={0} role="region" aria-label={title}>
          <table className="table" role="table">
            <thead role="rowgroup"><tr role="row">{columns.map(({ head }) => <th key={head} scope="col" role="columnheader">{head}</th>)}</tr></thead>
            <tbody role="rowgroup">
              {list.items.map((item) => (
                <tr key={keyOf(item)} role="row">
                  {columns.map(({ head, cell }, index) => index === 0
                    ? <th key={head} scope="row" role="rowheader">{cell(item)}</th>
                    : <td key={head} role="cell"><span className="cell-head" aria-hidden="true">{head}</span><span className="cell">{cell(item)}</span></td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list.cursor && <Button className="button button-small" onPress={() => void list.load(list.cursor ?? undefined)} data-busy={list.busy || undefined}>{t('office.more')}</Button>}
      {children}
    </main>
  );
}
