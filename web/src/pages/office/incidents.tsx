import { useEffect, useRef } from 'preact/hooks';

import type { Api, Incident } from '../../api';
import type { OpenIncidents } from '../../state/incidents';
import type { Session } from '../../app';
import { dayAndTime } from '../../base/time';
import { useI18n } from '../../i18n/i18n';
import { Button } from '../../ui/button';
import { Link } from './link';
import { Listing, useList, type Page } from './listing';

const readIncidents = (api: Api, cursor: string | undefined): Promise<Page<Incident>> => api.processes.listIncidents(cursor ? { cursor } : {});

// Reads again when others are `known` than before.
export function Incidents({ session, known, onTried }: { session: Session; known: OpenIncidents; onTried: () => void }) {
  const { t, language } = useI18n();
  const list = useList<Incident>(session.api, readIncidents, session.onOver);
  const { load } = list;
  const read = useRef(known);
  useEffect(() => {
    if (read.current === known) return;
    read.current = known;
    void load();
  }, [known, load]);
  const tryAgain = (key: string) => list.attempt(session.api.processes.resolveIncident({ key }).then(onTried));
  const manages = session.person.permissions.includes('processes.manage');
  return (
    <Listing list={list} title={t('office.incidents')} keyOf={(incident) => incident.key}
      columns={[
        { head: t('office.process'), cell: (incident) => <Link to={`/office/processes/instances/${incident.instanceKey}`}>{incident.processId}</Link> },
        { head: t('office.element'), cell: (incident) => incident.elementId },
        { head: t('office.problem'), cell: (incident) => <span className="trace">{incident.message}</span> },
        { head: t('office.since'), cell: (incident) => <time dateTime={incident.createdAt}>{dayAndTime(incident.createdAt, language)}</time> },
        ...(manages ? [{ head: t('office.actions'), cell: (incident: Incident) => <Button className="button button-small" onPress={() => tryAgain(incident.key)}>{t('office.resolve')}</Button> }] : []),
      ]} />
  );
}
