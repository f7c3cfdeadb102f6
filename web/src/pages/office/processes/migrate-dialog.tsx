import { useEffect, useMemo, useState } from 'preact/hooks';

import type { Instance, MigrationOutcome, Model } from '../../../api';
import type { Session } from '../../../app';
import { useI18n } from '../../../i18n/i18n';
import { Ask } from '../../../ui/ask';
import { Button } from '../../../ui/button';
import { Choice } from '../../../ui/choice';
import { Refusal } from './instance-dialogs';
import { elementsOf, labelOf } from './model-elements';

// What one call takes.
const batch = 200;

interface MigrateProps {
  session: Session;
  processId: string;
  version: number;
  xml: string;
  instances: readonly Pick<Instance, 'key' | 'active'>[];
  onDone(): void;
  onClose(): void;
}

// Instances go on with another version. The dry run tells of each whether it can, and why not.
export function MigrateDialog({ session, processId, version, xml, instances, onDone, onClose }: MigrateProps) {
  const { t } = useI18n();
  const [models, setModels] = useState<readonly Model[]>([]);
  const [target, setTarget] = useState<Model | null>(null);
  const [chosen, setChosen] = useState<Readonly<Record<string, string>>>({});
  const [outcomes, setOutcomes] = useState<readonly MigrationOutcome[] | null>(null);
  const [made, setMade] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    session.api.processes.listModels({ processId, limit: 200 }).then((page) => setModels(page.items.filter((model) => model.version !== version)), setError);
  }, [session, processId, version]);
  const sources = useMemo(() => {
    const active = new Set(instances.flatMap((instance) => instance.active.map((element) => element.elementId)));
    return elementsOf(xml).filter((element) => active.has(element.id));
  }, [instances, xml]);
  const targets = useMemo(() => (target?.xml ? elementsOf(target.xml) : []), [target]);
  // An element that has its own name and kind in the target goes over to it, unless somebody says otherwise.
  const mapping = sources.flatMap((source) => {
    const to = chosen[source.id] ?? targets.find((element) => element.id === source.id && element.type === source.type)?.id ?? '';
    return to ? [{ from: source.id, to }] : [];
  });
  const choose = async (key: string) => {
    setOutcomes(null);
    setChosen({});
    setError(null);
    setTarget(null);
    if (key) await session.api.processes.getModel({ key }).then(setTarget, setError);
  };
  const run = async (dryRun: boolean) => {
    if (!target) return;
    setBusy(true);
    setError(null);
    try {
      const keys = instances.map((instance) => instance.key);
      const all: MigrationOutcome[] = [];
      for (let from = 0; from < keys.length; from += batch) {
        const reply = await session.api.processes.migrateInstances({ targetKey: target.key, instanceKeys: keys.slice(from, from + batch), mapping, dryRun });
        all.push(...reply.items);
      }
      setOutcomes(all);
      setMade(!dryRun);
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  const refused = outcomes?.filter((outcome) => outcome.reason).length ?? 0;
  const able = (outcomes?.length ?? 0) - refused;
  return (
    <Ask title={t('processes.migrate-title', { process: processId, version })} open onClose={made ? onDone : onClose} size="large">
      <div className="form">
        {error !== null && <Refusal error={error} />}
        <p>{t('processes.migrate-text', { count: instances.length })}</p>
        {!made && <Choice label={t('processes.target')} name="target" value={target?.key ?? ''} none="—" options={models.map((model) => ({ id: model.key, name: t('processes.version-of', { version: model.version, name: model.name || model.processId }) }))} onChange={(key) => void choose(key)} />}
        {target && !made && sources.map((source) => (
          <Choice key={source.id} label={t('processes.becomes', { element: labelOf(source) })} name={`map-${source.id}`} value={mapping.find(({ from }) => from === source.id)?.to ?? ''} none={t('processes.unmapped')}
            options={targets.filter((element) => element.type === source.type).map((element) => ({ id: element.id, name: labelOf(element) }))}
            onChange={(to) => { setOutcomes(null); setChosen({ ...chosen, [source.id]: to }); }} />
        ))}
        {outcomes && (
          <section aria-label={t('processes.outcome')}>
            <p className="notice" role="status" data-testid="migration-summary">{t(made ? 'processes.migrated' : 'processes.can-migrate', { able, refused })}</p>
            <ul className="process-list process-outcomes" data-testid="migration-outcomes">
              {outcomes.map((outcome) => (
                <li key={outcome.instanceKey} data-key={outcome.instanceKey}>
                  <p className="row"><code>{outcome.instanceKey}</code><span className="chip" data-tone={outcome.reason ? 'bad' : 'good'}>{t(outcome.reason ? 'processes.cannot' : made ? 'processes.has-migrated' : 'processes.can')}</span></p>
                  {outcome.reason && <p className="process-reason">{outcome.reason}</p>}
                </li>
              ))}
            </ul>
          </section>
        )}
        <div className="dialog-buttons">
          <Button className="button" data-testid="migrate-close" onPress={made ? onDone : onClose}>{t('card.close')}</Button>
          {!made && <Button className="button" data-testid="migrate-check" isDisabled={!target} data-busy={busy || undefined} onPress={() => void run(true)}>{t('processes.dry-run')}</Button>}
          {!made && <Button className="button button-primary" data-testid="migrate-make" isDisabled={!target || !outcomes || able === 0} data-busy={busy || undefined} onPress={() => void run(false)}>{t('processes.migrate-make', { count: able })}</Button>}
        </div>
      </div>
    </Ask>
  );
}
