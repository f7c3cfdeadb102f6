// The models that the lists of calls use.
// Zeebe's own reader wants each element to name its flows, before what else is in it but for extensions.
function withFlows(xml) {
  const flows = [...xml.matchAll(/<bpmn:sequenceFlow id="([^"]+)" sourceRef="([^"]+)" targetRef="([^"]+)"/g)];
  return xml.replace(/<bpmn:(\w*(?:Event|Task|task|Gateway|subProcess)) id="([^"]+)"([^>]*?)(\/?)>(\s*<bpmn:extensionElements>.*?<\/bpmn:extensionElements>)?/gs, (all, kind, id, more, closed, extensions = "") => {
    const named = flows.filter(([, , , to]) => to === id).map(([, flow]) => `<bpmn:incoming>${flow}</bpmn:incoming>`).join("") +
      flows.filter(([, , from]) => from === id).map(([, flow]) => `<bpmn:outgoing>${flow}</bpmn:outgoing>`).join("");
    return `<bpmn:${kind} id="${id}"${more}>${extensions}${named}${closed ? `</bpmn:${kind}>` : ""}`;
  });
}

const document = (inside, before = "") => withFlows(`<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="http://consilium.example/conformance">
${before}${inside}
</bpmn:definitions>`);

// Nothing between start and end.
export const straight = (id, name = "") => document(`<bpmn:process id="${id}" name="${name}" isExecutable="true">
  <bpmn:startEvent id="begin"></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="begin" targetRef="done" />
  <bpmn:endEvent id="done"></bpmn:endEvent>
</bpmn:process>`);

// One service task and nothing else.
export const plain = (id, type) => document(`<bpmn:process id="${id}" isExecutable="true">
  <bpmn:startEvent id="begin" />
  <bpmn:sequenceFlow id="f1" sourceRef="begin" targetRef="task" />
  <bpmn:serviceTask id="task"><bpmn:extensionElements><zeebe:taskDefinition type="${type}" /></bpmn:extensionElements></bpmn:serviceTask>
  <bpmn:sequenceFlow id="f2" sourceRef="task" targetRef="done" />
  <bpmn:endEvent id="done" />
</bpmn:process>`);

// One service task; the error "lost" is caught beside it.
export const work = (id, type, retries = 3) => document(`<bpmn:process id="${id}" isExecutable="true">
  <bpmn:startEvent id="begin"></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="begin" targetRef="task" />
  <bpmn:serviceTask id="task"><bpmn:extensionElements>
    <zeebe:taskDefinition type="${type}" retries="${retries}" />
    <zeebe:taskHeaders><zeebe:header key="colour" value="green" /></zeebe:taskHeaders>
  </bpmn:extensionElements></bpmn:serviceTask>
  <bpmn:sequenceFlow id="f2" sourceRef="task" targetRef="done" />
  <bpmn:endEvent id="done"></bpmn:endEvent>
  <bpmn:boundaryEvent id="caught" attachedToRef="task"><bpmn:errorEventDefinition id="d1" errorRef="lost" /></bpmn:boundaryEvent>
  <bpmn:sequenceFlow id="f3" sourceRef="caught" targetRef="given-up" />
  <bpmn:endEvent id="given-up"></bpmn:endEvent>
</bpmn:process>`, `<bpmn:error id="lost" name="lost" errorCode="lost" />\n`);

// Waits for the message "paid" of its `order`.
export const waiting = (id) => document(`<bpmn:process id="${id}" isExecutable="true">
  <bpmn:startEvent id="begin"></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="begin" targetRef="catch" />
  <bpmn:intermediateCatchEvent id="catch"><bpmn:messageEventDefinition id="d1" messageRef="paid" /></bpmn:intermediateCatchEvent>
  <bpmn:sequenceFlow id="f2" sourceRef="catch" targetRef="done" />
  <bpmn:endEvent id="done"></bpmn:endEvent>
</bpmn:process>`, `<bpmn:message id="paid" name="paid"><bpmn:extensionElements><zeebe:subscription correlationKey="=order" /></bpmn:extensionElements></bpmn:message>\n`);

// Starts by the signal, does a job, waits for the signal and does another.
export const signalled = (id, name) => document(`<bpmn:process id="${id}" isExecutable="true">
  <bpmn:startEvent id="begin"><bpmn:signalEventDefinition id="d1" signalRef="signal" /></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="begin" targetRef="task" />
  <bpmn:serviceTask id="task"><bpmn:extensionElements><zeebe:taskDefinition type="do-signalled" /></bpmn:extensionElements></bpmn:serviceTask>
  <bpmn:sequenceFlow id="f2" sourceRef="task" targetRef="hear" />
  <bpmn:intermediateCatchEvent id="hear"><bpmn:signalEventDefinition id="d2" signalRef="signal" /></bpmn:intermediateCatchEvent>
  <bpmn:sequenceFlow id="f3" sourceRef="hear" targetRef="after" />
  <bpmn:serviceTask id="after"><bpmn:extensionElements><zeebe:taskDefinition type="after-signal" /></bpmn:extensionElements></bpmn:serviceTask>
  <bpmn:sequenceFlow id="f4" sourceRef="after" targetRef="done" />
  <bpmn:endEvent id="done" />
</bpmn:process>`, `<bpmn:signal id="signal" name="${name}" />\n`);

// Starts again and again.
export const timed = (id, type, every) => document(`<bpmn:process id="${id}" isExecutable="true">
  <bpmn:startEvent id="begin"><bpmn:timerEventDefinition id="d1"><bpmn:timeCycle>R/${every}</bpmn:timeCycle></bpmn:timerEventDefinition></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="begin" targetRef="task" />
  <bpmn:serviceTask id="task"><bpmn:extensionElements><zeebe:taskDefinition type="${type}" /></bpmn:extensionElements></bpmn:serviceTask>
</bpmn:process>`);

// A task, a sub-process with another, a multi-instance sub-process and an event-based gateway.
export const nested = (id) => document(`<bpmn:process id="${id}" isExecutable="true">
  <bpmn:startEvent id="begin" />
  <bpmn:sequenceFlow id="f1" sourceRef="begin" targetRef="outer" />
  <bpmn:serviceTask id="outer"><bpmn:extensionElements><zeebe:taskDefinition type="do-outer" /></bpmn:extensionElements></bpmn:serviceTask>
  <bpmn:sequenceFlow id="f2" sourceRef="outer" targetRef="sub" />
  <bpmn:subProcess id="sub"><bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="=7" target="n" /></zeebe:ioMapping></bpmn:extensionElements>
    <bpmn:startEvent id="begin-sub" />
    <bpmn:sequenceFlow id="f3" sourceRef="begin-sub" targetRef="inner" />
    <bpmn:serviceTask id="inner"><bpmn:extensionElements><zeebe:taskDefinition type="do-inner" /></bpmn:extensionElements></bpmn:serviceTask>
  </bpmn:subProcess>
  <bpmn:sequenceFlow id="f4" sourceRef="sub" targetRef="each" />
  <bpmn:subProcess id="each">
    <bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics inputCollection="=[]" /></bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>
    <bpmn:startEvent id="begin-each" />
    <bpmn:sequenceFlow id="f5" sourceRef="begin-each" targetRef="each-task" />
    <bpmn:task id="each-task" />
  </bpmn:subProcess>
  <bpmn:sequenceFlow id="f6" sourceRef="each" targetRef="which" />
  <bpmn:eventBasedGateway id="which" />
  <bpmn:sequenceFlow id="f7" sourceRef="which" targetRef="first-of-two" />
  <bpmn:sequenceFlow id="f8" sourceRef="which" targetRef="second-of-two" />
  <bpmn:intermediateCatchEvent id="first-of-two"><bpmn:timerEventDefinition id="d1"><bpmn:timeDuration>PT0S</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
  <bpmn:intermediateCatchEvent id="second-of-two"><bpmn:timerEventDefinition id="d2"><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
</bpmn:process>`);

// A business-rule task that asks for the decision, and what of the result goes where.
export const ruled = (id, decision) => document(`<bpmn:process id="${id}" isExecutable="true">
  <bpmn:startEvent id="begin" />
  <bpmn:sequenceFlow id="f1" sourceRef="begin" targetRef="rule" />
  <bpmn:businessRuleTask id="rule"><bpmn:extensionElements>
    <zeebe:calledDecision decisionId="${decision}" resultVariable="r" />
    <zeebe:ioMapping><zeebe:output source="=r" target="r" /><zeebe:output source="=r.pots" target="pots" /></zeebe:ioMapping>
  </bpmn:extensionElements></bpmn:businessRuleTask>
  <bpmn:sequenceFlow id="f2" sourceRef="rule" targetRef="done" />
  <bpmn:endEvent id="done" />
</bpmn:process>`);

// A table that needs an expression; for the season "clash" two of its rules hold.
export const decisions = (id, suffix = "", winter = "Stew") => `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="${id}" name="Dinner" namespace="http://consilium.example/conformance">
  <decision id="guests${suffix}" name="Guests">
    <variable id="v1" name="guests${suffix}" typeRef="number" />
    <literalExpression id="e1"><text>adults + children</text></literalExpression>
  </decision>
  <decision id="dish${suffix}" name="Dish">
    <informationRequirement id="r1"><requiredDecision href="#guests${suffix}" /></informationRequirement>
    <decisionTable id="table" hitPolicy="UNIQUE">
      <input id="in1" label="Season"><inputExpression id="x1" typeRef="string"><text>season</text></inputExpression></input>
      <input id="in2" label="guests"><inputExpression id="x2" typeRef="number"><text>guests${suffix}</text></inputExpression></input>
      <output id="out1" label="Dish" name="dish" typeRef="string" />
      <output id="out2" label="pots" name="pots" typeRef="number" />
      <rule id="rule1"><inputEntry id="i11"><text>"winter"</text></inputEntry><inputEntry id="i12"><text></text></inputEntry>
        <outputEntry id="o11"><text>"${winter}"</text></outputEntry><outputEntry id="o12"><text>guests${suffix} / 2</text></outputEntry></rule>
      <rule id="rule2"><inputEntry id="i21"><text>"summer", "clash"</text></inputEntry><inputEntry id="i22"><text>&lt; 5</text></inputEntry>
        <outputEntry id="o21"><text>"Salad"</text></outputEntry><outputEntry id="o22"><text>1</text></outputEntry></rule>
      <rule id="rule3"><inputEntry id="i31"><text>"clash"</text></inputEntry><inputEntry id="i32"><text></text></inputEntry>
        <outputEntry id="o31"><text>"Soup"</text></outputEntry><outputEntry id="o32"><text>1</text></outputEntry></rule>
    </decisionTable>
  </decision>
</definitions>`;
