import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-js.css';

import { useEffect, useRef, useState } from 'preact/hooks';

import { useI18n } from '../../../i18n/i18n';
import { Button } from '../../../ui/button';
import { Icon } from '../../../ui/icon';
import { drawing, fit, type Paper } from './drawing';

export interface Mark {
  // Tokens that are at the element now.
  tokens: number;
  incident: boolean;
  // How often it has been passed, and was ended before its own end.
  passed: number;
  cut: number;
}

// Below the drawing are the controls and its makers' sign.
const room = { bottom: 44 };

interface Canvas extends Paper {
  zoom(to?: number): number;
  resized(): void;
  addMarker(element: string, marker: string): void;
  removeMarker(element: string, marker: string): void;
}
interface Viewer {
  importXML(xml: string): Promise<unknown>;
  get(name: 'canvas'): Canvas;
  get(name: 'overlays'): { add(element: string, type: string, overlay: object): string; remove(filter: object): void };
  get(name: 'elementRegistry'): { get(id: string): { id: string } | undefined };
  on(event: string, listen: (event: { element: { id: string } }) => void): void;
  destroy(): void;
}

type Marker = 'at' | 'stuck' | 'passed' | 'cut' | 'chosen';

// A model as it was drawn, with what happens on it. Those who do not see it find the same in the lists beside it.
export function Diagram({ xml, label, marks, chosen, onChoose }: { xml: string; label: string; marks: Readonly<Record<string, Mark>>; chosen?: string | null; onChoose?: (id: string) => void }) {
  const { t } = useI18n();
  const place = useRef<HTMLDivElement>(null);
  const choose = useRef(onChoose);
  choose.current = onChoose;
  const [viewer, setViewer] = useState<Viewer | null>(null);
  const [problem, setProblem] = useState(false);
  useEffect(() => {
    let made: Viewer | null = null;
    let current = true;
    setProblem(false);
    const show = async () => {
      const { default: NavigatedViewer } = await import('bpmn-js/lib/NavigatedViewer');
      if (!current || !place.current) return;
      made = new NavigatedViewer({ container: place.current, ...drawing }) as unknown as Viewer;
      await made.importXML(xml);
      if (!current) return;
      fit(made.get('canvas'), room);
      made.on('element.click', ({ element }) => choose.current?.(element.id));
      setViewer(made);
    };
    show().catch(() => current && setProblem(true));
    return () => {
      current = false;
      setViewer(null);
      made?.destroy();
    };
  }, [xml]);
  // Also when a phone is turned.
  useEffect(() => {
    if (!viewer || !place.current) return undefined;
    const canvas = viewer.get('canvas');
    let width = place.current.clientWidth;
    const watch = new ResizeObserver(() => {
      if (!place.current || place.current.clientWidth === width) return;
      width = place.current.clientWidth;
      canvas.resized();
      fit(canvas, room);
    });
    watch.observe(place.current);
    return () => watch.disconnect();
  }, [viewer]);
  useEffect(() => {
    if (!viewer) return undefined;
    const canvas = viewer.get('canvas');
    const overlays = viewer.get('overlays');
    const there = (id: string) => viewer.get('elementRegistry').get(id) !== undefined;
    const set: [string, string][] = [];
    const add = (id: string, marker: Marker) => {
      canvas.addMarker(id, `process-${marker}`);
      set.push([id, `process-${marker}`]);
    };
    for (const [id, mark] of Object.entries(marks)) {
      if (!there(id)) continue;
      if (mark.incident) add(id, 'stuck');
      else if (mark.tokens > 0) add(id, 'at');
      else if (mark.passed > 0) add(id, 'passed');
      else if (mark.cut > 0) add(id, 'cut');
      if (mark.tokens > 0) overlays.add(id, 'marks', { position: { bottom: 12, left: -10 }, html: badge(mark) });
      if (mark.passed > 0) overlays.add(id, 'marks', { position: { bottom: 12, right: 12 }, html: passes(mark) });
    }
    if (chosen && there(chosen)) add(chosen, 'chosen');
    return () => {
      for (const [id, marker] of set) if (there(id)) canvas.removeMarker(id, marker);
      overlays.remove({ type: 'marks' });
    };
  }, [viewer, marks, chosen]);
  const zoom = (factor: number) => viewer?.get('canvas').zoom(viewer.get('canvas').zoom() * factor);
  return (
    <div className="process-diagram" role="group" aria-label={label} data-testid="diagram" data-ready={viewer ? true : undefined}>
      <div ref={place} className="process-canvas" />
      {problem && <p className="process-undrawn" role="status">{t('processes.undrawn')}</p>}
      {viewer && (
        <div className="process-zoom">
          <Button className="button button-icon" aria-label={t('processes.zoom-in')} onPress={() => zoom(1.25)}><Icon name="add" /></Button>
          <Button className="button button-icon" aria-label={t('processes.zoom-out')} onPress={() => zoom(0.8)}><Icon name="minus" /></Button>
          <Button className="button button-icon" aria-label={t('processes.zoom-fit')} onPress={() => fit(viewer.get('canvas'), room)}><Icon name="fit" /></Button>
        </div>
      )}
    </div>
  );
}

function passes({ passed }: Mark): HTMLElement {
  const element = document.createElement('span');
  element.className = 'process-token process-token-passed';
  element.textContent = String(passed);
  return element;
}

function badge({ tokens, incident }: Mark): HTMLElement {
  const element = document.createElement('span');
  element.className = incident ? 'process-token process-token-stuck' : 'process-token';
  element.textContent = incident ? '!' : String(tokens);
  return element;
}
