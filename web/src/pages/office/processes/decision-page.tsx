import { useEffect, useMemo, useState } from 'preact/hooks';

import { problemOf, type Decision } from '../../../api';
import type { Session } from '../../../app';
import { useI18n } from '../../../i18n/i18n';
import { Button } from '../../../ui/button';
import { ProblemNotice } from '../../../ui/problem-notice';
import { Link } from '../link';
import { logicOf, type Need } from './decision-logic';
import { BoxView } from './decision-view';
import { saveFile } from './files';

// One version of a decision: how it decides, what it asks for, its other versions.
export function DecisionPage({ session, decisionKey }: { session: Session; decisionKey: string }) {
  const { t } = useI18n();
  const { api, onOver } = session;
  const [decision, setDecision] = useState<Decision | null>(null);
  const [versions, setVersions] = useState<readonly Decision[]>([]);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    let current = true;
    const load = async () => {
      const found = await api.processes.getDecision({ key: decisionKey });
      if (current) setDecision(found);
      const all = await api.processes.listDecisions({ decisionId: found.decisionId, limit: 200 });
      if (current) setVersions(all.items);
    };
    load().catch((failure: unknown) => {
      if (problemOf(failure)?.status === 401) onOver();
      else if (current) setError(failure);
    });
    return () => {
      current = false;
    };
  }, [api, decisionKey, onOver]);
  const logic = useMemo(() => (decision?.xml ? logicOf(decision.xml, decision.decisionId) : undefined), [decision]);
  if (!decision) {
    return (
      <main className="office-main" aria-busy={error === null}>
        <Link to="/office/processes/decisions">{t('processes.back-decisions')}</Link>
        {error === null ? <span className="spinner" aria-hidden="true" /> : <ProblemNotice error={error} />}
      </main>
    );
  }
  const name = decision.name || decision.decisionId;
  const version = (number: number) => t('processes.version-number', { version: number });
  const to = (key: string) => `/office/processes/decisions/${key}`;
  const needed = ({ kind, id, name: of }: Need) => {
    const text = t(`processes.need-${kind}`, { name: of });
    const beside = kind === 'decision' ? decision.file.find((each) => each.decisionId === id) : undefined;
    return beside ? <Link to={to(beside.key)}>{text}</Link> : text;
  };
  return (
    <main className="office-main" aria-busy="false" data-testid="decision">
      <Link to="/office/processes/decisions">{t('processes.back-decisions')}</Link>
      <div className="office-head">
        <div className="process-title">
          <h2>{name}</h2>
          <p className="row"><code>{decision.decisionId}</code><span data-testid="decision-version">{version(decision.version)}</span>{decision.newest && <span className="chip" data-tone="good">{t('processes.newest')}</span>}</p>
          <p className="process-times">{t('processes.decision-in', { file: decision.resourceName, name: decision.requirementsName || decision.requirementsId, version: decision.requirementsVersion })}</p>
        </div>
        <div className="row"><Button className="button button-small" onPress={() => saveFile(decision.resourceName, decision.xml ?? '')}>{t('processes.download')}</Button></div>
      </div>
      {error !== null && <ProblemNotice error={error} />}
      <section className="process-part process-wide" aria-label={t('processes.logic')} data-testid="logic">
        <h3>{t('processes.logic')}</h3>
        {logic?.box ? <BoxView box={logic.box} name={name} /> : <p className="process-none">{t('processes.no-logic')}</p>}
      </section>
      <div className="process-parts">
        {logic && logic.needs.length > 0 && (
          <section className="process-part" aria-label={t('processes.needs')}>
            <h3>{t('processes.needs')}</h3>
            <ul className="process-list" data-testid="needs">{logic.needs.map((need) => <li key={`${need.kind} ${need.id}`}>{needed(need)}</li>)}</ul>
          </section>
        )}
        {decision.file.length > 1 && (
          <section className="process-part" aria-label={t('processes.file-decisions')}>
            <h3>{t('processes.file-decisions')}</h3>
            <ul className="process-list">{decision.file.map((each) => <li key={each.key}>{each.key === decision.key ? <strong>{each.name || each.decisionId}</strong> : <Link to={to(each.key)}>{each.name || each.decisionId}</Link>}</li>)}</ul>
          </section>
        )}
        <section className="process-part" aria-label={t('processes.versions')}>
          <h3>{t('processes.versions')}</h3>
          <ul className="process-list" data-testid="versions">
            {versions.map((each) => (
              <li key={each.key} className="row">
                {each.key === decision.key ? <strong>{version(each.version)}</strong> : <Link to={to(each.key)}>{version(each.version)}</Link>}
                <span className="process-times">{each.resourceName}</span>
              </li>
            ))}
          </ul>
        </section>
      </div>
    </main>
  );
}
