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
    <bpmn:intermediateCatchEvent id="timer"><bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
    <bpmn:intermediateCatchEvent id="message"><bpmn:messageEventDefinition /></bpmn:intermediateCatchEvent>
    <bpmn:endEvent id="failed"><bpmn:errorEventDefinition /></bpmn:endEvent>
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
