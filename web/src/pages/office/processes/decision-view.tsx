import { useI18n } from '../../../i18n/i18n';
import type { Box, DecisionTable, TableColumn } from './decision-logic';

// What a decision consists of, to read: box in box, a table as a table.
export function BoxView({ box, name }: { box: Box; name: string }) {
  const { t } = useI18n();
  if (box.kind === 'text') return <code className="process-feel">{box.text || '–'}</code>;
  if (box.kind === 'table') return <TableView table={box.table} name={name} />;
  if (box.kind === 'relation') {
    return (
      <div className="process-scroll" tabIndex={0} role="region" aria-label={name}>
        <table className="process-rules">
          <thead><tr>{box.columns.map((column) => <th key={column} scope="col">{column}</th>)}</tr></thead>
          <tbody>{box.rows.map((row, at) => <tr key={at}>{row.map((cell, column) => <td key={column}><BoxView box={cell} name={box.columns[column] ?? name} /></td>)}</tr>)}</tbody>
        </table>
      </div>
    );
  }
  return (
    <div className="process-box">
      <p className="process-none">{t(`processes.box-${box.of}`, { name: box.name })}</p>
      <dl>
        {box.parts.map((part, at) => {
          const title = part.role ? t(`processes.part-${part.role}`) : part.name || String(at + 1);
          return <div key={at}><dt>{title}</dt><dd><BoxView box={part.box} name={title} /></dd></div>;
        })}
      </dl>
    </div>
  );
}

function Head({ column, className }: { column: TableColumn; className?: string | undefined }) {
  const more = [column.expression, column.type, column.allowed].filter((each) => each !== '');
  return <th scope="col" className={className}>{column.label || '–'}{more.map((each) => <small key={each}>{each}</small>)}</th>;
}

function TableView({ table, name }: { table: DecisionTable; name: string }) {
  const { t } = useI18n();
  const policy = t(`processes.policy-${table.policy.toLowerCase().replace(/ /g, '-')}`);
  const note = (text: string) => text || t('processes.note');
  return (
    <>
      <p data-testid="hit-policy">{t('processes.hit-policy', { policy })}{table.aggregation && <> · {t('processes.aggregation', { how: table.aggregation })}</>}</p>
      <div className="process-scroll" tabIndex={0} role="region" aria-label={name}>
        <table className="process-rules" data-testid="rules">
          <thead>
            <tr>
              <th scope="col" rowSpan={2}><span className="visually-hidden">{t('processes.rule')}</span><span aria-hidden="true">#</span></th>
              {table.inputs.length > 0 && <th scope="colgroup" colSpan={table.inputs.length}>{t('processes.inputs')}</th>}
              <th scope="colgroup" colSpan={table.outputs.length} className="process-outputs">{t('processes.outputs')}</th>
              {table.notes.map((text, at) => <th key={at} scope="col" rowSpan={2} className="process-note">{note(text)}</th>)}
            </tr>
            <tr>
              {table.inputs.map((column, at) => <Head key={at} column={column} />)}
              {table.outputs.map((column, at) => <Head key={at} column={column} className={at === 0 ? 'process-outputs' : undefined} />)}
            </tr>
          </thead>
          <tbody>
            {table.rules.map((rule, at) => (
              <tr key={at}>
                <th scope="row">{at + 1}</th>
                {rule.tests.map((test, column) => <td key={column}><code>{test || '–'}</code></td>)}
                {rule.results.map((result, column) => <td key={column} className={column === 0 ? 'process-outputs' : undefined}><code>{result || '–'}</code></td>)}
                {rule.notes.map((text, column) => <td key={column} className="process-note">{text}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
