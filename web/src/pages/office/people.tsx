import { useCallback, useState } from 'react';
import { Button } from 'react-aria-components';

import { userStatuses, userTypes, type Api, type User } from '../../api';
import type { Session } from '../../app';
import { useI18n } from '../../i18n/i18n';
import { Choice } from '../../ui/choice';
import { Icon } from '../../ui/icon';
import { Listing, useList } from './listing';
import { NewPerson } from './new-person';
import { SearchField } from './search-field';

const tones: Partial<Record<User['status'], string>> = { draft: 'new', active: 'good', locked: 'bad' };

// Who asked with a phone number, an e-mail address or a login name means that one.
function findBy(text: string) {
  if (text === '') return {};
  if (text.includes('@')) return { email: text };
  return /^\+\d+$/.test(text) ? { phone: text } : { username: text };
}

export function People({ session }: { session: Session }) {
  const { t } = useI18n();
  const [type, setType] = useState<User['type'] | ''>('');
  const [status, setStatus] = useState<User['status'] | ''>('');
  const [wanted, setWanted] = useState('');
  const [making, setMaking] = useState(false);
  const read = useCallback((api: Api, cursor: string | undefined) => api.users.listUsers({
    ...(type ? { type } : {}), ...(status ? { status } : {}), ...findBy(wanted), ...(cursor ? { cursor } : {}),
  }), [type, status, wanted]);
  const list = useList<User>(session.api, read, session.onOver);
  const may = (permission: string) => session.person.permissions.includes(permission);
  const manages = may('users.manage');
  return (
    <Listing list={list} title={t('office.people')}
      heads={[t('office.name'), t('office.kind'), t('office.login'), t('office.groups'), t('office.status'), ...(manages ? [t('office.actions')] : [])]}
      buttons={may('users.create') && <Button className="button button-small button-primary" data-testid="new-person" onPress={() => setMaking(true)}><Icon name="add" size={18} />{t('person.new')}</Button>}
      filters={(
        <>
          <Choice label={t('office.kind')} name="type" value={type} none={t('office.all')} options={userTypes.map((id) => ({ id, name: t(`type.${id}`) }))} onChange={setType} />
          <Choice label={t('office.status')} name="status" value={status} none={t('office.all')} options={userStatuses.map((id) => ({ id, name: t(`user.${id}`) }))} onChange={setStatus} />
          {may('users.contacts') && <SearchField label={t('office.find-person')} name="person" onSearch={setWanted} />}
        </>
      )}>
      {list.items.map((user) => {
        const name = `${user.firstName} ${user.lastName}`;
        return (
          <tr key={user.id}>
            <th scope="row">{name}</th>
            <td>{t(`type.${user.type}`)}</td>
            <td>{user.username}</td>
            <td>{user.groups.join(', ')}</td>
            <td><span className="chip" data-tone={tones[user.status]}>{t(`user.${user.status}`)}</span></td>
            {manages && (
              <td>
                {user.status === 'active' && user.id !== session.person.id && <Button className="button button-small" aria-label={t('office.lock-name', { name })} onPress={() => list.attempt(session.api.users.lockUser({ id: user.id }))}>{t('office.lock')}</Button>}
                {user.status === 'locked' && <Button className="button button-small" aria-label={t('office.unlock-name', { name })} onPress={() => list.attempt(session.api.users.unlockUser({ id: user.id }))}>{t('office.unlock')}</Button>}
              </td>
            )}
          </tr>
        );
      })}
      {making && <NewPerson session={session} onClose={() => { setMaking(false); void list.load(); }} />}
    </Listing>
  );
}
