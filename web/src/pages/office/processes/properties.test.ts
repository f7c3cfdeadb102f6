import { BpmnModdle } from 'bpmn-moddle';
import { beforeEach, expect, test } from 'vitest';
import zeebe from 'zeebe-bpmn-moddle/resources/zeebe.json';

import { propertiesOf, type Moddle, type Shape, type Workshop } from './properties';

const model = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="test">
  <bpmn:process id="p" isExecutable="true">
    <bpmn:serviceTask id="plain" />
    <bpmn:serviceTask id="full">
      <bpmn:extensionElements>
        <zeebe:taskDefinition type="old" retries="2" />
        <zeebe:properties><zeebe:property name="kept" value="yes" /></zeebe:properties>
        <zeebe:ioMapping><zeebe:input source="=a + 1" target="b" /></zeebe:ioMapping>
        <zeebe:taskHeaders><zeebe:header key="colour" value="red" /></zeebe:taskHeaders>
      </bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:extensionElements><zeebe:versionTag value="1.0" /></bpmn:extensionElements>
    <bpmn:userTask id="visit" />
    <bpmn:businessRuleTask id="rule"><bpmn:extensionElements><zeebe:taskDefinition type="rules" /></bpmn:extensionElements></bpmn:businessRuleTask>
    <bpmn:callActivity id="call" />
    <bpmn:serviceTask id="each"><bpmn:multiInstanceLoopCharacteristics /></bpmn:serviceTask>
    <bpmn:intermediateCatchEvent id="timer"><bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
    <bpmn:intermediateCatchEvent id="message"><bpmn:messageEventDefinition /></bpmn:intermediateCatchEvent>
    <bpmn:endEvent id="failed"><bpmn:errorEventDefinition /></bpmn:endEvent>
    <bpmn:endEvent id="done" />
    <bpmn:endEvent id="told"><bpmn:signalEventDefinition /></bpmn:endEvent>
    <bpmn:manualTask id="by-hand" />
    <bpmn:task id="once"><bpmn:extensionElements><zeebe:ioMapping><zeebe:output source="=1" target="a" /></zeebe:ioMapping></bpmn:extensionElements></bpmn:task>
    <bpmn:boundaryEvent id="late" attachedToRef="plain"><bpmn:timerEventDefinition /></bpmn:boundaryEvent>
    <bpmn:sequenceFlow id="flow" sourceRef="plain" targetRef="full" />
  </bpmn:process>
</bpmn:definitions>`;

type Settable = Moddle & { set(name: string, value: unknown): void };
interface Reader {
  fromXML(xml: string): Promise<{ rootElement: Moddle; elementsById: Record<string, Moddle> }>;
  toXML(root: Moddle): Promise<{ xml: string }>;
  create(type: string, values?: object): Moddle;
}

const reader = new BpmnModdle({ zeebe }) as unknown as Reader;
let root: Moddle;
let elements: Record<string, Moddle>;
let workshop: Workshop;

beforeEach(async () => {
  const read = await reader.fromXML(model);
  root = read.rootElement;
  elements = read.elementsById;
  const set = (of: Moddle, values: object) => {
    for (const [name, value] of Object.entries(values)) (of as Settable).set(name, value);
  };
  workshop = {
    modeling: { updateProperties: (shape, values) => set(shape.businessObject, values), updateModdleProperties: (_, of, values) => set(of, values) },
    factory: { create: (type, values) => reader.create(type, values) },
    definitions: () => root,
    isFree: (id) => !(id in elements),
  };
});

const shapeOf = (id: string): Shape => ({ id, type: elements[id]?.$type ?? '', businessObject: elements[id] as Moddle });
const properties = (id: string) => Object.fromEntries(propertiesOf(workshop, shapeOf(id)).map((property) => [property.key, property]));
const valueOf = (id: string, key: string) => properties(id)[key]?.value;
const change = (id: string, key: string, value: string) => properties(id)[key]?.set(value);
const written = async () => (await reader.toXML(root)).xml;

test('a job type is written where there was none', async () => {
  expect(valueOf('plain', 'job-type')).toBe('');
  change('plain', 'job-type', 'send-letter');
  change('plain', 'retries', '5');
  expect(valueOf('plain', 'job-type')).toBe('send-letter');
  expect(await written()).toContain('<zeebe:taskDefinition type="send-letter" retries="5" />');
});

test('what the panel does not know stays', async () => {
  change('full', 'job-type', 'new');
  change('full', 'inputParameters', 'b = a + 2\nc = "x"');
  change('full', 'headers', 'colour = blue');
  const xml = await written();
  for (const text of ['type="new" retries="2"', '<zeebe:property name="kept" value="yes" />', '<zeebe:input source="=a + 2" target="b" />', 'source="=&#34;x&#34;" target="c"', '<zeebe:header key="colour" value="blue" />']) {
    expect(xml.replaceAll('&quot;', '&#34;')).toContain(text);
  }
  expect(xml).not.toContain('a + 1');
});

test('mappings are shown as they are typed', () => {
  expect(valueOf('full', 'inputParameters')).toBe('b = a + 1');
  expect(valueOf('full', 'headers')).toBe('colour = red');
});

test('mappings are asked where the engine takes them, and shown where they have to go', () => {
  const asked = (id: string) => ['inputParameters', 'outputParameters'].filter((key) => key in properties(id)).join(' ');
  for (const id of ['plain', 'call', 'message', 'timer', 'told']) expect([id, asked(id)]).toEqual([id, 'inputParameters outputParameters']);
  for (const id of ['done', 'late', 'once']) expect([id, asked(id)]).toEqual([id, 'outputParameters']);
  for (const id of ['failed', 'by-hand']) expect([id, asked(id)]).toEqual([id, '']);
});

test('a timer becomes another kind of timer', async () => {
  expect(valueOf('timer', 'timer')).toBe('PT1H');
  change('timer', 'timer-kind', 'timeCycle');
  change('timer', 'timer', 'R3/PT1M');
  expect(valueOf('timer', 'timer-kind')).toBe('timeCycle');
  const xml = await written();
  expect(xml).toMatch(/<bpmn:timeCycle[^>]*>R3\/PT1M<\/bpmn:timeCycle>/);
  expect(xml).not.toContain('timeDuration');
});

test('a message and an error are made beside the process when they are first named', async () => {
  change('message', 'messageRef', 'letter');
  change('message', 'correlation', '=id');
  change('failed', 'errorRef', 'lost');
  const xml = await written();
  expect(xml).toMatch(/<bpmn:message id="[^"]*" name="letter">|<bpmn:message name="letter">/);
  expect(xml).toContain('<zeebe:subscription correlationKey="=id" />');
  expect(xml).toMatch(/<bpmn:error [^>]*errorCode="lost"/);
  expect(root.get('rootElements')).toHaveLength(3);
});

test('a condition is an expression, and goes when it is emptied', async () => {
  change('flow', 'condition', 'done = true');
  expect(await written()).toMatch(/<bpmn:conditionExpression[^>]*>=done = true<\/bpmn:conditionExpression>/);
  change('flow', 'condition', '');
  expect(await written()).not.toContain('conditionExpression');
});

test('an id that no engine takes, or that another has, is not taken over', () => {
  change('plain', 'id', '1 bad id');
  change('plain', 'id', 'full');
  expect(elements['plain']?.id).toBe('plain');
  change('plain', 'id', 'good-id');
  expect(elements['plain']?.id).toBe('good-id');
});

test('a user task has candidates, dates and a form, which is named in one way', async () => {
  for (const [key, value] of [['assignee', 'anna'], ['users', 'boris, clara'], ['groups', '=groups'], ['due', '=now() + duration("P1D")'], ['follow-up', '2030-01-31T09:00:00Z'], ['form-key', 'old']] as const) change('visit', key, value);
  expect(await written()).toContain('<zeebe:formDefinition formKey="old" />');
  change('visit', 'form-id', 'address');
  change('visit', 'binding', 'versionTag');
  change('visit', 'bound-tag', 'v2');
  const xml = (await written()).replaceAll('&quot;', '&#34;');
  for (const text of ['<zeebe:assignmentDefinition assignee="anna" candidateGroups="=groups" candidateUsers="boris, clara" />', '<zeebe:taskSchedule dueDate="=now() + duration(&#34;P1D&#34;)" followUpDate="2030-01-31T09:00:00Z" />', '<zeebe:formDefinition formId="address" bindingType="versionTag" versionTag="v2" />']) expect(xml).toContain(text);
  change('visit', 'form-id', '');
  expect(await written()).not.toContain('formDefinition');
});

test('a loop says over what it goes, what it gathers and when it is enough', async () => {
  expect(valueOf('plain', 'input-collection')).toBeUndefined();
  for (const [key, value] of [['input-collection', '=people'], ['input-element', 'person'], ['output-collection', 'answers'], ['output-element', '=answer'], ['completion', 'count(answers) > 2']] as const) change('each', key, value);
  const xml = await written();
  expect(xml).toContain('<zeebe:loopCharacteristics inputCollection="=people" inputElement="person" outputCollection="answers" outputElement="=answer" />');
  expect(xml).toMatch(/<bpmn:completionCondition[^>]*>=count\(answers\) &gt; 2<\/bpmn:completionCondition>/);
});

test('a business-rule task asks a decision or a worker', async () => {
  expect(valueOf('rule', 'job-type')).toBe('rules');
  change('rule', 'decision', 'discount');
  change('rule', 'result', 'rebate');
  change('rule', 'binding', 'deployment');
  let xml = await written();
  expect(xml).toContain('<zeebe:calledDecision decisionId="discount" resultVariable="rebate" bindingType="deployment" />');
  expect(xml).not.toContain('type="rules"');
  change('rule', 'job-type', 'other-rules');
  xml = await written();
  expect(xml).toContain('<zeebe:taskDefinition type="other-rules" />');
  expect(xml).not.toContain('calledDecision');
});

test('a call is bound to a version', async () => {
  expect(valueOf('call', 'binding')).toBeUndefined();
  change('call', 'called', 'other');
  expect(valueOf('call', 'binding')).toBe('latest');
  change('call', 'binding', 'versionTag');
  change('call', 'bound-tag', 'v7');
  expect(await written()).toContain('<zeebe:calledElement processId="other" bindingType="versionTag" versionTag="v7" />');
  change('call', 'binding', 'deployment');
  expect(await written()).toContain('<zeebe:calledElement processId="other" bindingType="deployment" />');
});

test('a process has a version tag, and its jobs a priority', async () => {
  expect(valueOf('p', 'tag')).toBe('1.0');
  change('p', 'tag', '2.0');
  change('p', 'priority', '5');
  change('plain', 'priority', '=urgency');
  let xml = await written();
  for (const text of ['<zeebe:versionTag value="2.0" />', '<zeebe:jobPriorityDefinition priority="5" />', '<zeebe:jobPriorityDefinition priority="=urgency" />']) expect(xml).toContain(text);
  change('p', 'tag', '');
  xml = await written();
  expect(xml).not.toContain('versionTag');
  expect(xml).toContain('priority="5"');
});
