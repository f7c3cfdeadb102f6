import { useState } from 'preact/hooks';

import { useI18n } from '../../../i18n/i18n';
import { Choice } from '../../../ui/choice';
import { Field } from '../../../ui/field';
import { nameOfType } from './modeler-words';
import { propertiesOf, type Property, type Shape, type Workshop } from './properties';

// What the engine reads of the chosen element; of the process when none is. `changes` rises with each change of the model.
export function Panel({ workshop, shape, problems, changes }: { workshop: Workshop; shape: Shape; problems: readonly string[]; changes: number }) {
  const { t } = useI18n();
  const properties = propertiesOf(workshop, shape);
  return (
    <section className="process-panel" aria-label={t('processes.panel')} data-testid="panel" data-element={shape.id} data-changes={changes}>
      <h3>{nameOfType(t, shape.type)}</h3>
      {problems.map((problem) => <p key={problem} className="notice notice-danger" data-testid="panel-problem">{problem}</p>)}
      {properties.map((property) => <PropertyField key={`${shape.id} ${property.key}`} property={property} />)}
    </section>
  );
}

// Taken over when the person leaves the field or presses Enter, so that one wish is one step to undo.
function PropertyField({ property }: { property: Property }) {
  const { t } = useI18n();
  // What is being typed; null: what the model has is shown.
  const [draft, setDraft] = useState<string | null>(null);
  const take = () => {
    setDraft(null);
    if (draft !== null && draft !== property.value) property.set(draft.trim());
  };
  if (property.options) {
    return <Choice label={t(property.label)} name={property.key} value={property.value} options={property.options.map((id) => ({ id, name: t(`processes.panel-${id.toLowerCase()}`) }))} onChange={(value) => value && property.set(value)} />;
  }
  return (
    <div onFocusOut={take} onKeyDown={(event) => { if (event.key === 'Enter' && !property.rows) take(); }}>
      <Field label={t(property.label)} name={property.key} value={draft ?? property.value} onChange={setDraft} longest={10_000} verbatim {...(property.rows ? { rows: property.rows } : {})} hint={property.hint ? t(property.hint) : undefined} />
    </div>
  );
}
