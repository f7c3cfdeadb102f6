// A model for tests of the pages: service tasks of one job type, one after the other, with its drawing.
export function processModel(id, tasks, job) {
  const places = ['start', ...tasks, 'end'];
  const isEvent = (name) => name === 'start' || name === 'end';
  const shapes = places.map((name, at) => `<bpmndi:BPMNShape id="${name}_di" bpmnElement="${name}"><dc:Bounds x="${100 + 150 * at}" y="${isEvent(name) ? 122 : 100}" width="${isEvent(name) ? 36 : 100}" height="${isEvent(name) ? 36 : 80}"/></bpmndi:BPMNShape>`);
  const flows = places.slice(1).map((to, at) => `<bpmn:sequenceFlow id="to-${to}" sourceRef="${places[at]}" targetRef="${to}"/>`);
  const edges = places.slice(1).map((to, at) => `<bpmndi:BPMNEdge id="to-${to}_di" bpmnElement="to-${to}"><di:waypoint x="${100 + 150 * at + (at === 0 ? 36 : 100)}" y="140"/><di:waypoint x="${100 + 150 * (at + 1)}" y="140"/></bpmndi:BPMNEdge>`);
  const nodes = tasks.map((task) => `<bpmn:serviceTask id="${task}" name="Do ${task}"><bpmn:extensionElements><zeebe:taskDefinition type="${job}" retries="1"/></bpmn:extensionElements></bpmn:serviceTask>`);
  return `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="definitions" targetNamespace="test"><bpmn:process id="${id}" name="Tidy up" isExecutable="true"><bpmn:startEvent id="start"/>${nodes.join('')}<bpmn:endEvent id="end"/>${flows.join('')}</bpmn:process><bpmndi:BPMNDiagram id="diagram"><bpmndi:BPMNPlane id="plane" bpmnElement="${id}">${shapes.join('')}${edges.join('')}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></bpmn:definitions>`;
}
