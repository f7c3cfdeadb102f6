// The models that the lists of calls use.
const document = (inside, before = "") => `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="http://consilium.example/conformance">
${before}${inside}
</bpmn:definitions>`;

// Nothing between start and end.
export const straight = (id) => document(`<bpmn:process id="${id}" isExecutable="true">
  <bpmn:startEvent id="begin"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="begin" targetRef="done" />
  <bpmn:endEvent id="done"><bpmn:incoming>f1</bpmn:incoming></bpmn:endEvent>
</bpmn:process>`);

// One service task; the error "lost" is caught beside it.
export const work = (id, type, retries = 3) => document(`<bpmn:process id="${id}" isExecutable="true">
  <bpmn:startEvent id="begin"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="begin" targetRef="task" />
  <bpmn:serviceTask id="task"><bpmn:extensionElements>
    <zeebe:taskDefinition type="${type}" retries="${retries}" />
    <zeebe:taskHeaders><zeebe:header key="colour" value="green" /></zeebe:taskHeaders>
  </bpmn:extensionElements><bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing></bpmn:serviceTask>
  <bpmn:sequenceFlow id="f2" sourceRef="task" targetRef="done" />
  <bpmn:endEvent id="done"><bpmn:incoming>f2</bpmn:incoming></bpmn:endEvent>
  <bpmn:boundaryEvent id="caught" attachedToRef="task"><bpmn:outgoing>f3</bpmn:outgoing><bpmn:errorEventDefinition id="d1" errorRef="lost" /></bpmn:boundaryEvent>
  <bpmn:sequenceFlow id="f3" sourceRef="caught" targetRef="given-up" />
  <bpmn:endEvent id="given-up"><bpmn:incoming>f3</bpmn:incoming></bpmn:endEvent>
</bpmn:process>`, `<bpmn:error id="lost" name="lost" errorCode="lost" />\n`);

// Waits for the message "paid" of its `order`.
export const waiting = (id) => document(`<bpmn:process id="${id}" isExecutable="true">
  <bpmn:startEvent id="begin"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="begin" targetRef="catch" />
  <bpmn:intermediateCatchEvent id="catch"><bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing><bpmn:messageEventDefinition id="d1" messageRef="paid" /></bpmn:intermediateCatchEvent>
  <bpmn:sequenceFlow id="f2" sourceRef="catch" targetRef="done" />
  <bpmn:endEvent id="done"><bpmn:incoming>f2</bpmn:incoming></bpmn:endEvent>
</bpmn:process>`, `<bpmn:message id="paid" name="paid"><bpmn:extensionElements><zeebe:subscription correlationKey="=order" /></bpmn:extensionElements></bpmn:message>\n`);
