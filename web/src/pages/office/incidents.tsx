import { Button } from 'react-aria-components';

import type { Api, Incident } from '../../api';
import type { Session } from '../../app';
import { dayAndTime } from '../../base/time';
import { useI18n } from '../../i18n/i18n';
import { Listing, useList, type Page } from './listing';

const readIncidents = (api: Api): Promise<Page<Incident>> => api.processes.listIncidents({});

export function Incidents({ session }: { session: Session }) {
  const { t, language } = useI18n();
  const list = useList<Incident>(session.api, readIncidents, session.onOver);
  const manages = session.person.permissions.includes('processes.manage');
  return (
    <Listing list={list} title={t('office.incidents')} heads={[t('office.process'), t('office.element'), t('office.problem'), t('office.since'), ...(manages ? [t('office.actions')] : [])]}>
      {list.items.map((incident) => (
        <tr key={incident.key}>
          <th scope="row">{incident.processId}</th>
          <td>{incident.elementId}</td>
          <td>{incident.message}</td>
          <td><time dateTime={incident.createdAt}>{dayAndTime(incident.createdAt, language)}</time></td>
          {manages && <td><Button className="button button-small" onPress={() => list.attempt(session.api.processes.resolveIncident({ key: incident.key }))}>{t('office.resolve')}</Button></td>}
        </tr>
      ))}
    </Listing>
  );
}
