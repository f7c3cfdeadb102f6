import { useCallback, useState } from 'preact/hooks';

import { userStatuses, userTypes, type Api, type User } from '../../api';
import type { Session } from '../../app';
import { useI18n } from '../../i18n/i18n';
import { Button } from '../../ui/button';
import { Choice } from '../../ui/choice';
import { Icon } from '../../ui/icon';
import { Listing, useList } from './listing';
import { NewPerson } from './new-person';
import { LinkDialog } from './password-link';
import { SearchField } from './search-field';

const tones: Partial<Record<User['status'], string>> = { draft: 'new', active: 'good', locked: 'bad' };

const fullName = (user: User) => `${user.firstName} ${user.lastName}`;

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
  const [linked, setLinked] = useState<User | null>(null);
  const read = useCallback((api: Api, cursor: string | undefined) => api.users.listUsers({
    ...(type ? { type } : {}), ...(status ? { status } : {}), ...findBy(wanted), ...(cursor ? { cursor } : {}),
  }), [type, status, wanted]);
  const list = useList<User>(session.api, read, session.onOver);
  const may = (permission: string) => session.person.permissions.includes(permission);
  const manages = may('users.manage');
  const links = may('sessions.manage');
  const actions = (user: User) => {
    const name = fullName(user);
    const others = user.id !== session.person.id;
    if (!others || (user.status !== 'active' && user.status !== 'locked')) return '—';
    return (
      <span className="row">
        {links && user.status === 'active' && <Button className="button button-small" aria-label={t('office.link-name', { name })} data-testid="password-link" onPress={() => setLinked(user)}>{t('office.link')}</Button>}
        {manages && user.status === 'active' && <Button className="button button-small" aria-label={t('office.lock-name', { name })} onPress={() => list.attempt(session.api.users.lockUser({ id: user.id }))}>{t('office.lock')}</Button>}
        {manages && user.status === 'locked' && <Button className="button button-small" aria-label={t('office.unlock-name', { name })} onPress={() => list.attempt(session.api.users.unlockUser({ id: user.id }))}>{t('office.unlock')}</Button>}
      </span>
    );
  };
  return (
    <Listing list={list} title={t('office.people')}
      keyOf={(user) => user.id}
      columns={[
        { head: t('office.name'), cell: fullName },
        { head: t('office.kind'), cell: (user) => t(`type.${user.type}`) },
        { head: t('office.login'), cell: (user) => user.username },
        { head: t('office.groups'), cell: (user) => user.groups.join(', ') || '—' },
        { head: t('office.status'), cell: (user) => <span className="chip" data-tone={tones[user.status]}>{t(`user.${user.status}`)}</span> },
        ...(manages || links ? [{ head: t('office.actions'), cell: actions }] : []),
      ]}
      buttons={may('users.create') && <Button className="button button-small button-primary" data-testid="new-person" onPress={() => setMaking(true)}><Icon name="add" size={18} />{t('person.new')}</Button>}
      filters={(
        <>
          <Choice label={t('office.kind')} name="type" value={type} none={t('office.all')} options={userTypes.map((id) => ({ id, name: t(`type.${id}`) }))} onChange={setType} />
          <Choice label={t('office.status')} name="status" value={status} none={t('office.all')} options={userStatuses.map((id) => ({ id, name: t(`user.${id}`) }))} onChange={setStatus} />
          {may('users.contacts') && <SearchField label={t('office.find-person')} name="person" onSearch={setWanted} />}
        </>
      )}>
      {making && <NewPerson session={session} onClose={() => { setMaking(false); void list.load(); }} />}
      {linked && <LinkDialog session={session} person={linked} onClose={() => setLinked(null)} />}
    </Listing>
  );
}
