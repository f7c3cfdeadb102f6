import { useEffect, useState } from 'preact/hooks';

import { newIdempotencyKey, problemOf, type Group, type User } from '../../api';
import type { Session } from '../../app';
import { useI18n } from '../../i18n/i18n';
import { languages } from '../../i18n/language';
import { Ask } from '../../ui/ask';
import { Button } from '../../ui/button';
import { Choice } from '../../ui/choice';
import { Field } from '../../ui/field';
import { Icon } from '../../ui/icon';
import { ProblemNotice } from '../../ui/problem-notice';
import { PasswordLink } from './password-link';

const kinds = ['client', 'consultant', 'expert'] as const;
const sexes = ['f', 'm'] as const;
const blank = { firstName: '', lastName: '', sex: 'f' as (typeof sexes)[number], birthDate: '', phone: '', email: '', specialization: '', language: 'en' as string };

// Clients, consultants and experts are made by the platform's own process, which tells when they can log in.
export function NewPerson({ session, onClose }: { session: Session; onClose: () => void }) {
  const { t } = useI18n();
  const [made, setMade] = useState<User | null>(null);
  return (
    <Ask title={t(made ? 'person.made' : 'person.new')} open onClose={onClose} size="large">
      {made ? <Made session={session} person={made} onClose={onClose} /> : <Form session={session} onMade={setMade} onClose={onClose} />}
    </Ask>
  );
}

function Form({ session, onMade, onClose }: { session: Session; onMade: (user: User) => void; onClose: () => void }) {
  const { t, language } = useI18n();
  const [kind, setKind] = useState<(typeof kinds)[number]>('client');
  const [values, setValues] = useState({ ...blank, language: language as string });
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  // A repeat after a lost answer makes nobody twice; other data are another wish.
  const [wish, setWish] = useState({ text: '', key: '' });
  const groups = useGroups(session).filter((group) => group.type === kind);
  const set = (name: keyof typeof blank) => (text: string) => setValues((known) => ({ ...known, [name]: text }));
  const [incomplete, setIncomplete] = useState(false);
  const needed = kind === 'client' ? (['firstName', 'lastName', 'phone', 'birthDate'] as const) : (['firstName', 'lastName', 'email'] as const);
  const lacks = (name: string) => (name === 'groups' ? kind !== 'client' && codes.length === 0 : needed.some((each) => each === name && values[each].trim() === ''));
  const codes = groups.map((group) => group.code).filter((code) => chosen.includes(code));
  const wrong = (name: string) => (incomplete && lacks(name) ? t(name === 'groups' ? 'person.missing-group' : 'person.missing') : problemOf(error)?.fields.find((field) => field.name === name)?.message);

  const submit = async (event: Event) => {
    event.preventDefault();
    const missing = [...needed, 'groups'].some(lacks);
    setIncomplete(missing);
    setError(null);
    if (missing || busy) return;
    setBusy(true);
    const { firstName, lastName, email, language: spoken } = values;
    const names = { firstName: firstName.trim(), lastName: lastName.trim(), language: spoken };
    const optional = (name: 'email' | 'specialization') => (values[name].trim() ? { [name]: values[name].trim() } : {});
    const text = JSON.stringify([kind, values, chosen]);
    const key = wish.text === text ? wish.key : newIdempotencyKey();
    setWish({ text, key });
    const { users } = session.api;
    try {
      const options = { idempotencyKey: key };
      if (kind === 'client') onMade(await users.createClient({ ...names, sex: values.sex, birthDate: values.birthDate, phone: values.phone.replace(/[\s()-]/g, ''), ...optional('email') }, options));
      else if (kind === 'consultant') onMade(await users.createConsultant({ ...names, email: email.trim(), groups: codes }, options));
      else onMade(await users.createExpert({ ...names, email: email.trim(), groups: codes, ...optional('specialization') }, options));
    } catch (failure) {
      if (problemOf(failure)?.status === 401) session.onOver();
      setError(failure);
      setBusy(false);
    }
  };

  return (
    <form className="form" onSubmit={(event) => void submit(event)} noValidate>
      {error !== null && <ProblemNotice error={error} />}
      <Choice label={t('office.kind')} name="kind" value={kind} options={kinds.map((id) => ({ id, name: t(`type.${id}`) }))} onChange={(id) => { if (id) setKind(id); setIncomplete(false); setError(null); }} />
      <div className="pair">
        <Field label={t('person.first-name')} name="firstName" value={values.firstName} onChange={set('firstName')} error={wrong('firstName')} />
        <Field label={t('person.last-name')} name="lastName" value={values.lastName} onChange={set('lastName')} error={wrong('lastName')} />
      </div>
      {kind === 'client' && (
        <>
          <div className="pair">
            <Field label={t('card.phone')} name="phone" type="tel" value={values.phone} onChange={set('phone')} verbatim hint={t('person.phone-hint')} error={wrong('phone')} />
            <Field label={t('person.birth')} name="birthDate" type="date" value={values.birthDate} onChange={set('birthDate')} error={wrong('birthDate')} />
          </div>
          <Choice label={t('person.sex')} name="sex" value={values.sex} options={sexes.map((id) => ({ id, name: t(`sex.${id}`) }))} onChange={(id) => id && set('sex')(id)} />
        </>
      )}
      <Field label={t(kind === 'client' ? 'person.email-optional' : 'card.email')} name="email" type="email" value={values.email} onChange={set('email')} verbatim error={wrong('email')} hint={kind === 'client' ? undefined : t('person.email-hint')} />
      {kind !== 'client' && <Groups groups={groups} chosen={chosen} onChange={setChosen} error={wrong('groups')} />}
      {kind === 'expert' && <Field label={t('person.specialization')} name="specialization" value={values.specialization} onChange={set('specialization')} error={wrong('specialization')} />}
      <Choice label={t('card.language')} name="language" value={values.language} options={languages.map((id) => ({ id: id as string, name: t(`language.${id}`) }))} onChange={set('language')} />
      <div className="dialog-buttons">
        <Button className="button" onPress={onClose}>{t('return.cancel')}</Button>
        <Button type="submit" className="button button-primary" data-busy={busy || undefined}>{t('person.submit')}</Button>
      </div>
    </form>
  );
}

function Groups({ groups, chosen, onChange, error }: { groups: readonly Group[]; chosen: readonly string[]; onChange: (codes: readonly string[]) => void; error: string | undefined }) {
  const { t } = useI18n();
  return (
    <fieldset className="checks">
      <legend className="field-label">{t('office.groups')}</legend>
      {groups.map(({ code }) => (
        <label key={code} className="check">
          <input type="checkbox" name={code} checked={chosen.includes(code)} onInput={(event) => onChange(event.currentTarget.checked ? [...chosen, code] : chosen.filter((each) => each !== code))} />
          {code}
        </label>
      ))}
      {error && <p className="field-error" role="alert">{error}</p>}
    </fieldset>
  );
}

function Made({ session, person, onClose }: { session: Session; person: User; onClose: () => void }) {
  const { t } = useI18n();
  return (
    <>
      <p className="notice" role="status"><Icon name="done" />{t('person.made-lead', { name: `${person.firstName} ${person.lastName}`, login: person.username })}</p>
      {session.person.permissions.includes('sessions.manage') ? <PasswordLink session={session} person={person} /> : <p>{t('person.link-elsewhere')}</p>}
      <div className="dialog-buttons"><Button className="button button-primary" autoFocus onPress={onClose}>{t('card.close')}</Button></div>
    </>
  );
}

function useGroups({ api, onOver }: Session): readonly Group[] {
  const [groups, setGroups] = useState<readonly Group[]>([]);
  useEffect(() => {
    let current = true;
    api.users.listGroups().then((reply) => current && setGroups(reply.items), (failure: unknown) => {
      if (current && problemOf(failure)?.status === 401) onOver();
    });
    return () => {
      current = false;
    };
  }, [api, onOver]);
  return groups;
}
