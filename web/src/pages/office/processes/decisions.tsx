import type { ComponentChildren } from 'preact';
import { useCallback, useRef, useState } from 'preact/hooks';

import type { Api, Decision, ModelProblem } from '../../../api';
import type { Session } from '../../../app';
import { useI18n } from '../../../i18n/i18n';
import { Button } from '../../../ui/button';
import { Icon } from '../../../ui/icon';
import { Link } from '../link';
import { Listing, useList } from '../listing';
import { SearchField } from '../search-field';

// Which decisions business-rule tasks can ask, each version a line, the newest deployment first.
export function Decisions({ session, manages, switcher }: { session: Session; manages: boolean; switcher: ComponentChildren }) {
  const { t } = useI18n();
  const { api, onOver } = session;
  const file = useRef<HTMLInputElement>(null);
  const [id, setId] = useState('');
  const [problems, setProblems] = useState<readonly ModelProblem[]>([]);
  const read = useCallback((from: Api, cursor: string | undefined) => from.processes.listDecisions({ ...(id ? { decisionId: id } : {}), ...(cursor ? { cursor } : {}) }), [id]);
  const list = useList<Decision>(api, read, onOver);
  const deploy = async (chosen: File) => {
    setProblems([]);
    const files = [{ name: chosen.name, xml: await chosen.text() }];
    const checked = await api.processes.deployModels({ files, dryRun: true });
    setProblems(checked.problems);
    if (checked.problems.length === 0) await api.processes.deployModels({ files, dryRun: false });
  };
  return (
    <Listing list={list} title={t('processes.decisions')} keyOf={(decision) => decision.key} switcher={switcher}
      buttons={manages && <Button className="button button-small button-primary" data-testid="deploy-file" onPress={() => file.current?.click()}><Icon name="add" size={18} />{t('processes.deploy-file')}</Button>}
      filters={<SearchField label={t('processes.decision-id')} name="decision" onSearch={setId} />}
      notice={problems.length > 0 && (
        <section className="process-problems" role="alert" aria-label={t('processes.file-problems', { count: problems.length })}>
          <h3>{t('processes.file-problems', { count: problems.length })}</h3>
          <ul className="process-list" data-testid="problems">{problems.map((problem) => <li key={`${problem.elementId ?? ''} ${problem.message}`}>{problem.elementId && <code>{problem.elementId}</code>} {problem.message}</li>)}</ul>
        </section>
      )}
      columns={[
        { head: t('processes.decision'), cell: (decision) => <Link to={`/office/processes/decisions/${decision.key}`}>{decision.name || decision.decisionId}</Link> },
        { head: t('processes.decision-id'), cell: (decision) => <code>{decision.decisionId}</code> },
        { head: t('processes.version'), cell: (decision) => <span className="row">{decision.version}{decision.newest && <span className="chip" data-tone="good">{t('processes.newest')}</span>}</span> },
        { head: t('processes.decision-file'), cell: (decision) => decision.resourceName },
      ]}>
      <input ref={file} type="file" accept=".dmn" hidden aria-label={t('processes.deploy-file')} onChange={(event) => {
        const chosen = event.currentTarget.files?.[0];
        event.currentTarget.value = '';
        if (chosen) list.attempt(deploy(chosen));
      }} />
    </Listing>
  );
}
