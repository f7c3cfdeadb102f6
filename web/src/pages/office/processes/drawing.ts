// The colours of diagrams are those of the pages, in light and dark.
export const drawing = {
  bpmnRenderer: { defaultFillColor: 'var(--surface)', defaultStrokeColor: 'var(--ink)', defaultLabelColor: 'var(--ink)' },
  textRenderer: { defaultStyle: { fontFamily: 'system-ui, sans-serif' }, externalStyle: { fontFamily: 'system-ui, sans-serif' } },
};

// Models that programs write often have no drawing, and cannot be drawn without one. (A parser would report what is no XML in markup with
// styles of its own, which the pages do not allow.)
export const hasNoDrawing = (xml: string) => /<([\w.-]+:)?definitions[\s>]/.test(xml) && !/<([\w.-]+:)?BPMNPlane[\s/>]/.test(xml);

interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}
export interface Paper {
  viewbox(): { inner: Area; outer: { width: number; height: number } };
  viewbox(area: Area): void;
}

const margin = 20;

// The whole drawing in what the controls at its edges (pixels) leave free, and no larger than it was drawn.
export function fit(paper: Paper, { left = 0, bottom = 0 }: { left?: number; bottom?: number }) {
  const { inner, outer } = paper.viewbox();
  if (inner.width === 0 || outer.width === 0) return;
  const free = { width: outer.width - left - 2 * margin, height: outer.height - bottom - 2 * margin };
  const scale = Math.max(0.1, Math.min(1, free.width / inner.width, free.height / inner.height));
  const x = inner.x + inner.width / 2 - (left + margin + free.width / 2) / scale;
  const y = inner.y + inner.height / 2 - (margin + free.height / 2) / scale;
  paper.viewbox({ x, y, width: outer.width / scale, height: outer.height / scale });
}
