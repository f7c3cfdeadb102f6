// What the panel changes in a model: the properties that the engine reads, Zeebe's extensions among them. Each change is a command of
// the modeler, so that it can be undone.
export interface Moddle {
  readonly $type: string;
  $parent?: Moddle | undefined;
  // Attributes that the reader does not know.
  readonly $attrs: Readonly<Record<string, unknown>>;
  id?: string;
  name?: string;
  get(name: string): unknown;
  $instanceOf(type: string): boolean;
}
export interface Shape {
  id: string;
  type: string;
  businessObject: Moddle;
  labelTarget?: Shape;
}
export interface Workshop {
  modeling: { updateProperties(shape: Shape, values: object): void; updateModdleProperties(shape: Shape, of: Moddle, values: object): void };
  factory: { create(type: string, values?: object): Moddle };
  definitions(): Moddle;
  // No other element has this id.
  isFree(id: string): boolean;
}

export interface Property {
  key: string;
  // Key of the text that names it.
  label: string;
  hint?: string;
  value: string;
  rows?: number;
  options?: readonly string[];
  set(value: string): void;
}

const isA = (object: Moddle | undefined, type: string) => object?.$instanceOf(type) ?? false;
const listAt = (object: Moddle | undefined, name: string) => (object?.get(name) as Moddle[] | undefined) ?? [];
const textAt = (object: Moddle | undefined, name: string) => String(object?.get(name) ?? '');
const childAt = (object: Moddle | undefined, name: string) => object?.get(name) as Moddle | undefined;

export function propertiesOf(workshop: Workshop, shape: Shape): Property[] {
  const object = shape.businessObject;
  const update = (name: string) => (value: string) => workshop.modeling.updateProperties(shape, { [name]: value || undefined });
  const properties: Property[] = [
    { key: 'name', label: 'processes.panel-name', value: textAt(object, 'name'), rows: 2, set: update('name') },
    { key: 'id', label: 'processes.panel-id', value: object.id ?? '', set: (value) => { if (/^[A-Za-z_][\w.-]*$/.test(value) && workshop.isFree(value)) workshop.modeling.updateProperties(shape, { id: value }); } },
  ];
  const add = (...more: Property[]) => properties.push(...more);
  const has = (type: string) => isA(object, `bpmn:${type}`);
  const process = has('Participant') ? childAt(object, 'processRef') : has('Process') ? object : undefined;
  if (process) add(...processOf(workshop, shape, process));
  if (['ServiceTask', 'SendTask'].some(has)) add(...jobOf(workshop, shape));
  if (has('BusinessRuleTask')) add(...decisionOf(workshop, shape), ...jobOf(workshop, shape, 'zeebe:CalledDecision'));
  if (has('ScriptTask')) {
    add(ofExtension(workshop, shape, 'zeebe:Script', 'expression', 'script', 'processes.panel-script', { hint: 'processes.panel-expression' }), ofExtension(workshop, shape, 'zeebe:Script', 'resultVariable', 'result', 'processes.panel-result'));
  }
  if (has('UserTask')) add(...userTaskOf(workshop, shape));
  if (has('CallActivity')) add(ofExtension(workshop, shape, 'zeebe:CalledElement', 'processId', 'called', 'processes.panel-called'), ...bindingOf(workshop, shape, 'zeebe:CalledElement'));
  if (has('SequenceFlow')) add(expressionAt(workshop, shape, object, 'conditionExpression', 'condition', 'processes.panel-condition'));
  if (has('ReceiveTask')) add(...messageOf(workshop, shape, object));
  for (const definition of listAt(object, 'eventDefinitions')) add(...eventOf(workshop, shape, definition));
  const isActivity = has('Task') || has('CallActivity') || has('SubProcess');
  if (isActivity || has('CatchEvent') || has('ThrowEvent')) add(...mappingsOf(workshop, shape));
  const loop = isActivity ? childAt(object, 'loopCharacteristics') : undefined;
  if (loop && isA(loop, 'bpmn:MultiInstanceLoopCharacteristics')) add(...loopOf(workshop, shape, loop));
  return properties;
}

function extension(object: Moddle, type: string): Moddle | undefined {
  return listAt(childAt(object, 'extensionElements'), 'values').find((value) => isA(value, type));
}

// `instead`: an extension that cannot stand beside it, and goes. What says nothing any more goes as well: the engine refuses it.
function setExtension({ modeling, factory }: Workshop, shape: Shape, object: Moddle, type: string, values: object, instead?: string) {
  const known = extension(object, type);
  const rival = instead ? extension(object, instead) : undefined;
  const isLeft = saysSomething({ ...known, ...values }) || Object.keys(known?.$attrs ?? {}).length > 0;
  if (known && isLeft) modeling.updateModdleProperties(shape, known, values);
  if (known && isLeft && !rival) return;
  let holder = childAt(object, 'extensionElements');
  if (!holder) {
    holder = factory.create('bpmn:ExtensionElements', { values: [] });
    holder.$parent = object;
    modeling.updateModdleProperties(shape, object, { extensionElements: holder });
  }
  const list = listAt(holder, 'values').filter((each) => (each !== known || isLeft) && each !== rival);
  if (!known && isLeft) {
    const made = factory.create(type, values);
    made.$parent = holder;
    list.push(made);
  }
  modeling.updateModdleProperties(shape, holder, { values: list });
}

const saysSomething = (values: object) => Object.entries(values).some(([name, value]) => !name.startsWith('$') && (Array.isArray(value) ? value.length > 0 : value !== undefined && value !== ''));

interface Place {
  object?: Moddle;
  hint?: string;
  instead?: string;
}
function ofExtension(workshop: Workshop, shape: Shape, type: string, name: string, key: string, label: string, { object = shape.businessObject, hint, instead }: Place = {}): Property {
  return { key, label, ...(hint ? { hint } : {}), value: textAt(extension(object, type), name), set: (value) => setExtension(workshop, shape, object, type, { [name]: value || undefined }, instead) };
}

const bindings = ['latest', 'deployment', 'versionTag'];

// Which version of what it names is meant; asked when something is named.
function bindingOf(workshop: Workshop, shape: Shape, type: string): Property[] {
  const object = shape.businessObject;
  const named = extension(object, type);
  if (!named) return [];
  const binding = textAt(named, 'bindingType') || 'latest';
  const setBinding = (next: string) => setExtension(workshop, shape, object, type, { bindingType: next === 'latest' ? undefined : next, ...(next === 'versionTag' ? {} : { versionTag: undefined }) });
  return [
    { key: 'binding', label: 'processes.panel-binding', value: binding, options: bindings, set: setBinding },
    ...(binding === 'versionTag' ? [ofExtension(workshop, shape, type, 'versionTag', 'bound-tag', 'processes.panel-tag')] : []),
  ];
}

function processOf(workshop: Workshop, shape: Shape, process: Moddle): Property[] {
  return [
    ofExtension(workshop, shape, 'zeebe:VersionTag', 'value', 'tag', 'processes.panel-tag', { object: process }),
    ofExtension(workshop, shape, 'zeebe:JobPriorityDefinition', 'priority', 'priority', 'processes.panel-priority', { object: process, hint: 'processes.panel-priority-hint' }),
  ];
}

function decisionOf(workshop: Workshop, shape: Shape): Property[] {
  return [
    ofExtension(workshop, shape, 'zeebe:CalledDecision', 'decisionId', 'decision', 'processes.panel-decision', { instead: 'zeebe:TaskDefinition' }),
    ofExtension(workshop, shape, 'zeebe:CalledDecision', 'resultVariable', 'result', 'processes.panel-result'),
    ...bindingOf(workshop, shape, 'zeebe:CalledDecision'),
  ];
}

function userTaskOf(workshop: Workshop, shape: Shape): Property[] {
  const object = shape.businessObject;
  const assigned = (name: string, key: string, label: string) => ofExtension(workshop, shape, 'zeebe:AssignmentDefinition', name, key, label, key === 'assignee' ? {} : { hint: 'processes.panel-list-hint' });
  const scheduled = (name: string, key: string, label: string) => ofExtension(workshop, shape, 'zeebe:TaskSchedule', name, key, label, { hint: 'processes.panel-date-hint' });
  const isBound = textAt(extension(object, 'zeebe:FormDefinition'), 'formId') !== '';
  // One or the other; what stands by its key has no versions.
  const form = (name: string, other: string, key: string, label: string): Property => ({
    key, label, value: textAt(extension(object, 'zeebe:FormDefinition'), name),
    set: (value) => setExtension(workshop, shape, object, 'zeebe:FormDefinition', { [name]: value || undefined, ...(value ? { [other]: undefined } : {}), ...((name === 'formId') === (value !== '') ? {} : { bindingType: undefined, versionTag: undefined }) }),
  });
  return [
    assigned('assignee', 'assignee', 'processes.panel-assignee'), assigned('candidateUsers', 'users', 'processes.panel-users'), assigned('candidateGroups', 'groups', 'processes.panel-groups'),
    scheduled('dueDate', 'due', 'processes.panel-due'), scheduled('followUpDate', 'follow-up', 'processes.panel-follow-up'),
    form('formId', 'formKey', 'form-id', 'processes.panel-form-id'), ...(isBound ? bindingOf(workshop, shape, 'zeebe:FormDefinition') : []), form('formKey', 'formId', 'form-key', 'processes.panel-form-key'),
  ];
}

// Once for each of a list.
function loopOf(workshop: Workshop, shape: Shape, loop: Moddle): Property[] {
  const one = (name: string, key: string, label: string, hint?: string) => ofExtension(workshop, shape, 'zeebe:LoopCharacteristics', name, key, label, { object: loop, ...(hint ? { hint } : {}) });
  return [
    one('inputCollection', 'input-collection', 'processes.panel-input-collection', 'processes.panel-expression'), one('inputElement', 'input-element', 'processes.panel-input-element'),
    one('outputCollection', 'output-collection', 'processes.panel-output-collection'), one('outputElement', 'output-element', 'processes.panel-output-element', 'processes.panel-expression'),
    expressionAt(workshop, shape, loop, 'completionCondition', 'completion', 'processes.panel-completion'),
  ];
}

function jobOf(workshop: Workshop, shape: Shape, instead?: string): Property[] {
  const object = shape.businessObject;
  const headers = listAt(extension(object, 'zeebe:TaskHeaders'), 'values');
  return [
    ofExtension(workshop, shape, 'zeebe:TaskDefinition', 'type', 'job-type', 'processes.panel-job', instead ? { instead } : {}),
    ofExtension(workshop, shape, 'zeebe:TaskDefinition', 'retries', 'retries', 'processes.panel-retries'),
    ofExtension(workshop, shape, 'zeebe:JobPriorityDefinition', 'priority', 'priority', 'processes.panel-priority', { hint: 'processes.panel-priority-hint' }),
    {
      key: 'headers', label: 'processes.panel-headers', hint: 'processes.panel-lines', rows: 2, value: headers.map((header) => `${textAt(header, 'key')} = ${textAt(header, 'value')}`).join('\n'),
      set: (value) => setExtension(workshop, shape, object, 'zeebe:TaskHeaders', { values: linesOf(value).map(([name, text]) => workshop.factory.create('zeebe:Header', { key: name, value: text })) }),
    },
  ];
}

// `name = value` a line.
const linesOf = (text: string) => text.split('\n').flatMap((line): [string, string][] => {
  const at = line.indexOf('=');
  return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()]] : [];
});

// The expression stands without the `=` that Zeebe puts before it.
const shown = (source: string) => source.replace(/^=\s*/, '');

function mappingsOf(workshop: Workshop, shape: Shape): Property[] {
  const object = shape.businessObject;
  const mapping = extension(object, 'zeebe:IoMapping');
  const one = (name: string, type: string, label: string): Property => ({
    key: name, label, hint: 'processes.panel-mapping', rows: 2,
    value: listAt(mapping, name).map((each) => `${textAt(each, 'target')} = ${shown(textAt(each, 'source'))}`).join('\n'),
    set: (value) => setExtension(workshop, shape, object, 'zeebe:IoMapping', { [name]: linesOf(value).map(([target, source]) => workshop.factory.create(type, { target, source: `=${source}` })) }),
  });
  // What stands where it may not is shown, so that it can go.
  const inputs = mapsInputs(object) || listAt(mapping, 'inputParameters').length > 0;
  const outputs = mapsOutputs(object) || listAt(mapping, 'outputParameters').length > 0;
  return [...(inputs ? [one('inputParameters', 'zeebe:Input', 'processes.panel-inputs')] : []), ...(outputs ? [one('outputParameters', 'zeebe:Output', 'processes.panel-outputs')] : [])];
}

// Where the engine takes mappings; a model that has them elsewhere is refused.
const isOf = (object: Moddle, ...kinds: string[]) => listAt(object, 'eventDefinitions').some((definition) => kinds.some((kind) => isA(definition, `bpmn:${kind}EventDefinition`)));
const doesNothing = (object: Moddle) => object.$type === 'bpmn:Task' || object.$type === 'bpmn:ManualTask';

function mapsInputs(object: Moddle) {
  if (isA(object, 'bpmn:ThrowEvent')) return isOf(object, 'Message', 'Signal');
  if (isA(object, 'bpmn:CatchEvent')) return object.$type === 'bpmn:IntermediateCatchEvent' && isOf(object, 'Message', 'Signal', 'Timer');
  return !doesNothing(object);
}

function mapsOutputs(object: Moddle) {
  if (isA(object, 'bpmn:ThrowEvent')) return !isOf(object, 'Terminate', 'Compensate', 'Error');
  if (isA(object, 'bpmn:CatchEvent')) return !isOf(object, 'Compensate');
  return !doesNothing(object);
}

function setExpression({ modeling, factory }: Workshop, shape: Shape, of: Moddle, name: string, body: string) {
  if (body === '') {
    modeling.updateModdleProperties(shape, of, { [name]: undefined });
    return;
  }
  const expression = factory.create('bpmn:FormalExpression', { body });
  expression.$parent = of;
  modeling.updateModdleProperties(shape, of, { [name]: expression });
}

function expressionAt(workshop: Workshop, shape: Shape, of: Moddle, name: string, key: string, label: string): Property {
  return {
    key, label, hint: 'processes.panel-condition-hint', value: textAt(childAt(of, name), 'body'),
    set: (value) => setExpression(workshop, shape, of, name, value && !value.startsWith('=') ? `=${value}` : value),
  };
}

const timers = ['timeDuration', 'timeDate', 'timeCycle'] as const;

function eventOf(workshop: Workshop, shape: Shape, definition: Moddle): Property[] {
  if (isA(definition, 'bpmn:TimerEventDefinition')) {
    const kind = timers.find((each) => definition.get(each)) ?? 'timeDuration';
    const body = textAt(childAt(definition, kind), 'body');
    const setKind = (next: string) => {
      workshop.modeling.updateModdleProperties(shape, definition, Object.fromEntries(timers.map((each) => [each, undefined])));
      setExpression(workshop, shape, definition, next, body || 'PT1H');
    };
    return [
      { key: 'timer-kind', label: 'processes.panel-timer', value: kind, options: timers, set: setKind },
      { key: 'timer', label: 'processes.panel-timer-value', hint: 'processes.panel-timer-hint', value: body, set: (value) => setExpression(workshop, shape, definition, kind, value) },
    ];
  }
  if (isA(definition, 'bpmn:MessageEventDefinition')) {
    const isThrown = isA(shape.businessObject, 'bpmn:ThrowEvent');
    return isThrown ? jobOf(workshop, shape) : messageOf(workshop, shape, definition);
  }
  if (isA(definition, 'bpmn:ErrorEventDefinition')) return [referred(workshop, shape, definition, 'errorRef', 'bpmn:Error', 'errorCode', 'processes.panel-error')];
  if (isA(definition, 'bpmn:EscalationEventDefinition')) return [referred(workshop, shape, definition, 'escalationRef', 'bpmn:Escalation', 'escalationCode', 'processes.panel-escalation')];
  if (isA(definition, 'bpmn:SignalEventDefinition')) return [referred(workshop, shape, definition, 'signalRef', 'bpmn:Signal', 'name', 'processes.panel-signal')];
  if (isA(definition, 'bpmn:LinkEventDefinition')) return [{ key: 'link', label: 'processes.panel-link', value: textAt(definition, 'name'), set: (value) => workshop.modeling.updateModdleProperties(shape, definition, { name: value }) }];
  return [];
}

// Something that stands beside the processes of a file and is only named here: made when it is first needed.
function referredTo({ modeling, factory, definitions }: Workshop, shape: Shape, from: Moddle, reference: string, type: string): Moddle {
  const known = childAt(from, reference);
  if (known) return known;
  const all = definitions();
  const made = factory.create(type);
  made.$parent = all;
  modeling.updateModdleProperties(shape, all, { rootElements: [...listAt(all, 'rootElements'), made] });
  modeling.updateModdleProperties(shape, from, { [reference]: made });
  return made;
}

function referred(workshop: Workshop, shape: Shape, from: Moddle, reference: string, type: string, name: string, label: string): Property {
  return {
    key: reference, label, value: textAt(childAt(from, reference), name),
    set: (value) => workshop.modeling.updateModdleProperties(shape, referredTo(workshop, shape, from, reference, type), { [name]: value || undefined, ...(name === 'name' ? {} : { name: value || undefined }) }),
  };
}

function messageOf(workshop: Workshop, shape: Shape, from: Moddle): Property[] {
  const message = childAt(from, 'messageRef');
  return [
    referred(workshop, shape, from, 'messageRef', 'bpmn:Message', 'name', 'processes.panel-message'),
    {
      key: 'correlation', label: 'processes.panel-correlation', hint: 'processes.panel-expression', value: message ? textAt(extension(message, 'zeebe:Subscription'), 'correlationKey') : '',
      set: (value) => setExtension(workshop, shape, referredTo(workshop, shape, from, 'messageRef', 'bpmn:Message'), 'zeebe:Subscription', { correlationKey: value }),
    },
  ];
}
