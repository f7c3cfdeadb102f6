/// <reference types="vite/client" />

declare module 'virtual:process-catalogue/*' {
  const catalogue: Record<string, string>;
  export default catalogue;
}

declare module 'zeebe-bpmn-moddle/resources/zeebe.json' {
  const descriptor: object;
  export default descriptor;
}

declare module 'bpmn-moddle' {
  export const BpmnModdle: new (packages: object) => object;
}

declare module 'virtual:catalogue/*' {
  const catalogue: Record<string, string>;
  export default catalogue;
}
