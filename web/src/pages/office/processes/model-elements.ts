// What a model consists of, read from its XML without drawing it.
export interface ModelElement {
  id: string;
  name: string;
  // BPMN's name: `serviceTask`
  type: string;
  // Ids of the sub-processes around it.
  within: readonly string[];
}

const bpmn = 'http://www.omg.org/spec/BPMN/20100524/MODEL';
const nodeKinds = /^(.*Task|task|.*Event|.*Gateway|subProcess|adHocSubProcess|transaction|callActivity)$/;

export function elementsOf(xml: string): ModelElement[] {
  const document = new DOMParser().parseFromString(xml, 'application/xml');
  const elements: ModelElement[] = [];
  const read = (parent: Element, within: readonly string[]) => {
    for (const child of parent.children) {
      const id = child.getAttribute('id');
      if (child.namespaceURI !== bpmn || !id || !nodeKinds.test(child.localName)) continue;
      elements.push({ id, name: child.getAttribute('name') ?? '', type: child.localName, within });
      read(child, [...within, id]);
    }
  };
  for (const process of document.getElementsByTagNameNS(bpmn, 'process')) read(process, []);
  return elements;
}

export const labelOf = (element: { id: string; name?: string | undefined }) => (element.name ? `${element.name} (${element.id})` : element.id);
