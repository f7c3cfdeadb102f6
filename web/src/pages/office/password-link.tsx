import { useEffect, useState } from 'preact/hooks';

import { problemOf, type User } from '../../api';
import type { Session } from '../../app';
import { dayAndTime } from '../../base/time';
import { useI18n } from '../../i18n/i18n';
import { Ask } from '../../ui/ask';
import { Button } from '../../ui/button';
import { Icon } from '../../ui/icon';
import { ProblemNotice } from '../../ui/problem-notice';

// A person who was just made gets an identity within a moment; it is looked for so often (ms), so many times.
const lookEvery = 500;
const mostLooks = 60;

interface Link {
  address: string;
  expiresAt: string;
}

async function makeLink({ api }: Session, person: User): Promise<Link> {
  let known = person;
  for (let look = 0; known.status === 'draft' && look < mostLooks; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, lookEvery));
    known = await api.users.getUser({ id: person.id });
  }
  const { token, expiresAt } = await api.sessions.createOneTimeLink({ userId: person.id });
  // After the #: no server and no log sees it.
  return { address: `${location.origin}/password#${token}`, expiresAt };
}

// The way to a password, which this page shows once and keeps nowhere.
export function PasswordLink({ session, person }: { session: Session; person: User }) {
  const { t, language } = useI18n();
  const [link, setLink] = useState<Link | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [copied, setCopied] = useState(false);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let current = true;
    setError(null);
    makeLink(session, person).then((made) => current && setLink(made), (failure: unknown) => {
      if (current && problemOf(failure)?.status === 401) session.onOver();
      else if (current) setError(failure);
    });
    return () => {
      current = false;
    };
  }, [session, person, attempt]);
  // Browsers give the clipboard to pages over TLS alone; the text can be copied by hand everywhere.
  const copy = () => void navigator.clipboard?.writeText(link?.address ?? '').then(() => setCopied(true), () => undefined);
  if (error !== null) return <><ProblemNotice error={error} /><Button className="button button-small" onPress={() => setAttempt(attempt + 1)}>{t('connection.retry')}</Button></>;
  if (!link) return <p role="status" className="row"><span className="spinner" aria-hidden="true" />{t('person.link-busy')}</p>;
  return (
    <div className="form" role="status">
      <p>{t('person.link-lead', { time: dayAndTime(link.expiresAt, language) })}</p>
      <p><code className="command" data-testid="link">{link.address}</code></p>
      {'clipboard' in navigator && <div className="row"><Button className="button button-small" onPress={copy}><Icon name={copied ? 'check' : 'copy'} size={18} />{t(copied ? 'person.link-copied' : 'person.link-copy')}</Button></div>}
    </div>
  );
}

// Another link for somebody who has forgotten the password, or lost the first link.
export function LinkDialog({ session, person, onClose }: { session: Session; person: User; onClose: () => void }) {
  const { t } = useI18n();
  const [wanted, setWanted] = useState(false);
  return (
    <Ask title={t('office.link-name', { name: `${person.firstName} ${person.lastName}` })} open onClose={onClose} size="large">
      {wanted ? <PasswordLink session={session} person={person} /> : <p>{t('person.link-ask')}</p>}
      <div className="dialog-buttons">
        <Button className="button" onPress={onClose}>{t('card.close')}</Button>
        {!wanted && <Button className="button button-primary" autoFocus data-testid="make-link" onPress={() => setWanted(true)}>{t('person.link-make')}</Button>}
      </div>
    </Ask>
  );
}
