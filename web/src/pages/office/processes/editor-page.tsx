import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-js.css';
import 'bpmn-js/dist/assets/bpmn-font/css/bpmn-codes.css';
import '../../../design/process-editor.css';

import Modeler from 'bpmn-js/lib/Modeler';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import zeebe from 'zeebe-bpmn-moddle/resources/zeebe.json';

import { problemOf, type ModelProblem } from '../../../api';
import type { Session } from '../../../app';
import { go, keepPage } from '../../../base/router';
import { useI18n } from '../../../i18n/i18n';
import { Ask } from '../../../ui/ask';
import { Button } from '../../../ui/button';
import { Icon } from '../../../ui/icon';
import { ProblemNotice } from '../../../ui/problem-notice';
import { blankModel } from './blank-model';
import { draftOf, type Drawing } from './draft';
import { drawing, fit, hasNoDrawing, type Paper } from './drawing';
import { saveFile } from './files';
import { Refusal } from './instance-dialogs';
import { inOurWords } from './modeler-words';
import { Panel } from './panel';
import type { Moddle, Shape, Workshop } from './properties';

interface EventBus { fire(event: string): void; on(events: string | string[], listen: (event: { element?: Shape; newSelection?: Shape[] }) => void): void }
interface Editor {
  importXML(xml: string): Promise<unknown>;
  saveXML(options: { format: boolean }): Promise<{ xml?: string }>;
  getDefinitions(): Moddle;
  get(name: 'eventBus'): EventBus;
  get(name: 'canvas'): Paper & { resized(): void; getRootElement(): Shape; scrollToElement(shape: Shape): void };
  get(name: 'selection'): { select(shape: Shape | null): void };
  get(name: 'elementRegistry'): { get(id: string): Shape | undefined };
  get(name: 'overlays'): { add(id: string, type: string, overlay: object): string; remove(filter: object): void };
  get(name: 'commandStack'): { canUndo(): boolean; canRedo(): boolean; undo(): void; redo(): void };
  get(name: 'directEditing'): { isActive(): boolean; complete(): void };
  get(name: 'modeling'): Workshop['modeling'];
  get(name: 'bpmnFactory'): Workshop['factory'];
  destroy(): void;
}

// The pages allow no style inside of markup, which the pictures of these two menus have; aligning by hand has guides.
const withoutInlineStyle = { alignElementsContextPadProvider: ['value', {}], alignElementsMenuProvider: ['value', {}], distributeElementsMenuProvider: ['value', {}] };

// The palette stands at the left, its makers' sign below.
const room = { left: 104, bottom: 24 };

// What stands in the field that has the focus counts as soon as the person looks elsewhere.
function takeTyped(editor: Editor | null) {
  const written = document.activeElement;
  if (written instanceof HTMLElement && isInText(written)) written.blur();
  if (editor?.get('directEditing').isActive()) editor.get('directEditing').complete();
}

const isInText = (target: EventTarget | null) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

// Where letters are not Latin, by where the key is.
function stepOf(event: KeyboardEvent): 'undo' | 'redo' | null {
  if (event.altKey || !(event.ctrlKey || event.metaKey)) return null;
  const letter = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace(/^Key/, '').toLowerCase();
  if (letter === 'z') return event.shiftKey ? 'redo' : 'undo';
  return letter === 'y' && !event.shiftKey ? 'redo' : null;
}

interface Found {
  problems: readonly ModelProblem[];
  // The check found none.
  sound: boolean;
}
const nothing: Found = { problems: [], sound: false };

// A model is drawn, checked by the engine that will run it, and deployed. What it refuses stands at its element.
export default function EditorPage({ session, modelKey }: { session: Session; modelKey: string | null }) {
  const { t } = useI18n();
  const { api, onOver } = session;
  const place = useRef<HTMLDivElement>(null);
  const file = useRef<HTMLInputElement>(null);
  const [editor, setEditor] = useState<Editor | null>(null);
  const [name, setName] = useState('');
  const [shape, setShape] = useState<Shape | null>(null);
  const [changes, setChanges] = useState(0);
  const [found, setFound] = useState<Found>(nothing);
  const [error, setError] = useState<unknown>(null);
  const [unread, setUnread] = useState(false);
  // Of a model without a drawing, which is edited as text; null: it is drawn.
  const [text, setText] = useState<string | null>(null);
  const writing = useRef<HTMLTextAreaElement>(null);
  const [busy, setBusy] = useState(false);
  const [leaving, setLeaving] = useState<{ leave: () => void } | null>(null);
  const leaveTo = modelKey ? `/office/processes/models/${modelKey}` : '/office/processes';
  const stack = text === null ? editor?.get('commandStack') : undefined;
  // What was read from a file, or kept from before, is no step that could be undone.
  const fromFile = useRef(false);
  const draft = useMemo(() => draftOf(session.person.id, modelKey), [session.person.id, modelKey]);
  const deployed = useRef<Drawing>({ name: '', xml: '' });
  const [kept, setKept] = useState(false);
  // Deployed, or left by decision: there is nothing to keep any more.
  const settled = useRef(false);
  const latest = useRef(editor);
  latest.current = editor;
  const isTouched = (made: Editor) => fromFile.current || (text === null ? made.get('commandStack').canUndo() : text !== deployed.current.xml);
  const written = async (made: Editor) => text ?? (await made.saveXML({ format: true })).xml;
  const keep = useRef(async (_: Editor) => {});
  keep.current = async (made) => {
    if (settled.current || made !== editor) return;
    if (!isTouched(made)) {
      draft.drop();
      return;
    }
    const xml = await written(made).catch(() => undefined);  // nothing is drawn that could be read
    if (xml && !settled.current) draft.keep({ name, xml });
  };

  const open = async (made: Editor, xml: string) => {
    setUnread(false);
    setFound(nothing);
    if (hasNoDrawing(xml)) {
      setText(xml);
      setShape(null);
      return true;
    }
    try {
      await made.importXML(xml);
    } catch {
      setUnread(true);
      return false;
    }
    setText(null);
    fit(made.get('canvas'), room);
    setShape(made.get('canvas').getRootElement());
    return true;
  };
  const first = useRef(open);
  const spoken = useRef(t);
  spoken.current = t;
  useEffect(() => editor?.get('eventBus').fire('i18n.changed'), [editor, t]);
  useEffect(() => {
    if (!place.current) return undefined;
    let current = true;
    const say = (text: string, values: Record<string, string> = {}) => inOurWords(spoken.current, text).replace(/{([^}]+)}/g, (all, name: string) => values[name] ?? all);
    const made = new Modeler({ container: place.current, ...drawing, moddleExtensions: { zeebe }, additionalModules: [withoutInlineStyle, { translate: ['value', say] }] }) as unknown as Editor;
    const chosen = () => setChanges((count) => count + 1);
    made.get('eventBus').on('selection.changed', ({ newSelection = [] }) => setShape(newSelection.length === 1 && newSelection[0] ? (newSelection[0].labelTarget ?? newSelection[0]) : made.get('canvas').getRootElement()));
    made.get('eventBus').on('commandStack.changed', chosen);
    const begin = async () => {
      const model = modelKey ? await api.processes.getModel({ key: modelKey }) : null;
      if (!current) return;
      const blank = blankModel();
      deployed.current = { name: model?.resourceName ?? `${blank.id}.bpmn`, xml: model?.xml ?? blank.xml };
      const before = draft.read();
      const drawing = before ?? deployed.current;
      fromFile.current = before !== null;
      setKept(before !== null);
      setName(drawing.name);
      await first.current(made, drawing.xml);
      if (current) setEditor(made);
    };
    begin().catch((failure: unknown) => {
      if (problemOf(failure)?.status === 401) onOver();
      else setError(failure);
    });
    return () => {
      current = false;
      takeTyped(made);
      void keep.current(made);
      made.destroy();
    };
  }, [api, draft, modelKey, onOver]);

  const workshop = useMemo<Workshop | null>(() => editor && { modeling: editor.get('modeling'), factory: editor.get('bpmnFactory'), definitions: () => editor.getDefinitions(), isFree: (id) => editor.get('elementRegistry').get(id) === undefined }, [editor]);

  useEffect(() => {
    if (!editor || !place.current) return undefined;
    const watch = new ResizeObserver(() => editor.get('canvas').resized());
    watch.observe(place.current);
    return () => watch.disconnect();
  }, [editor]);

  const isChanged = useRef((): boolean => false);
  isChanged.current = () => {
    takeTyped(editor);
    return !settled.current && editor !== null && isTouched(editor);
  };
  useEffect(() => {
    if (!editor || (changes === 0 && text === null)) return undefined;
    const soon = setTimeout(() => void keep.current(editor), 500);
    return () => clearTimeout(soon);
  }, [editor, changes, text]);
  const settle = () => {
    settled.current = true;
    draft.drop();
  };
  const askIfChanged = (leave: () => void) => {
    const changed = isChanged.current();
    if (changed) setLeaving({ leave });
    return changed;
  };
  const asking = useRef(askIfChanged);
  useEffect(() => {
    const stay = (event: BeforeUnloadEvent) => {
      if (!isChanged.current()) return;
      event.preventDefault();
      if (latest.current) void keep.current(latest.current);
    };
    addEventListener('beforeunload', stay);
    const release = keepPage(asking.current);
    return () => {
      removeEventListener('beforeunload', stay);
      release();
    };
  }, []);

  // The drawing hears its keys only while it has the focus, and only Latin ones.
  useEffect(() => {
    if (!stack) return undefined;
    const hear = (event: KeyboardEvent) => {
      const step = event.defaultPrevented || isInText(event.target) ? null : stepOf(event);
      if (!step || document.querySelector('dialog[open]')) return;
      event.preventDefault();
      if (step === 'undo' && stack.canUndo()) stack.undo();
      if (step === 'redo' && stack.canRedo()) stack.redo();
    };
    addEventListener('keydown', hear);
    return () => removeEventListener('keydown', hear);
  }, [stack]);

  useEffect(() => {
    if (!editor) return undefined;
    const overlays = editor.get('overlays');
    const counts = new Map<string, number>();
    for (const { elementId } of found.problems) if (elementId) counts.set(elementId, (counts.get(elementId) ?? 0) + 1);
    for (const [id, count] of counts) {
      const at = editor.get('elementRegistry').get(id);
      if (!at || at === editor.get('canvas').getRootElement()) continue;
      const sign = document.createElement('span');
      sign.className = 'process-token process-token-stuck';
      sign.textContent = '!';
      sign.title = found.problems.filter((problem) => problem.elementId === id).map((problem) => problem.message).join('\n');
      sign.dataset['problems'] = String(count);
      overlays.add(id, 'problems', { position: { top: -12, right: 12 }, html: sign });
    }
    return () => overlays.remove({ type: 'problems' });
  }, [editor, found]);

  const ask = async (dryRun: boolean, xml: string) => api.processes.deployModels({ files: [{ name, xml }], dryRun });
  const submit = async (deploy: boolean) => {
    if (!editor || busy) return;
    setBusy(true);
    setError(null);
    setFound(nothing);
    try {
      const xml = (await written(editor)) ?? '';
      const checked = await ask(true, xml);
      if (checked.problems.length > 0 || !deploy) {
        setFound({ problems: checked.problems, sound: checked.problems.length === 0 });
      } else {
        const done = await ask(false, xml);
        settle();
        const key = done.items[0]?.key;
        go(key ? `/office/processes/models/${key}` : '/office/processes');
        return;
      }
    } catch (failure) {
      if (problemOf(failure)?.status === 401) onOver();
      else setError(failure);
    }
    setBusy(false);
  };
  const choose = (id: string | undefined) => {
    if (text !== null && id) {
      const from = text.search(new RegExp(`\\bid\\s*=\\s*["']${id.replace(/[.\\]/g, '\\$&')}["']`));
      writing.current?.focus();
      if (from >= 0) writing.current?.setSelectionRange(from, from + 'id="'.length + id.length + 1);
      return;
    }
    const at = id ? editor?.get('elementRegistry').get(id) : undefined;
    if (!editor || !at) return;
    editor.get('selection').select(at === editor.get('canvas').getRootElement() ? null : at);
    if (at !== editor.get('canvas').getRootElement()) editor.get('canvas').scrollToElement(at);
  };
  const read = async (chosen: File) => {
    if (!editor) return;
    settled.current = false;
    if (!(await open(editor, await chosen.text()))) return;
    setName(chosen.name);
    fromFile.current = true;
    setKept(false);
  };
  const dropKept = async () => {
    if (!editor) return;
    draft.drop();
    fromFile.current = false;
    setKept(false);
    setName(deployed.current.name);
    await open(editor, deployed.current.xml);
  };
  const save = async () => {
    if (!editor) return;
    saveFile(name, (await written(editor)) ?? '');
  };
  const mine = found.problems.filter((problem) => shape !== null && (problem.elementId ?? '') === shape.id).map((problem) => problem.message);
  return (
    <main className="office-main process-editor" aria-busy={editor === null && error === null} data-testid="editor">
      <div className="office-head">
        <h2>{t(modelKey ? 'processes.editing' : 'processes.new-model')}</h2>
        <div className="row">
          <Button className="button button-icon" data-testid="undo" aria-label={t('processes.undo')} title={t('processes.undo-key')} aria-keyshortcuts="Control+Z" isDisabled={!stack?.canUndo()} onPress={() => stack?.undo()}><Icon name="undo" /></Button>
          <Button className="button button-icon" data-testid="redo" aria-label={t('processes.redo')} title={t('processes.redo-key')} aria-keyshortcuts="Control+Shift+Z" isDisabled={!stack?.canRedo()} onPress={() => stack?.redo()}><Icon name="redo" /></Button>
          <Button className="button button-small" onPress={() => file.current?.click()}>{t('processes.open-file')}</Button>
          <Button className="button button-small" onPress={() => void save()}>{t('processes.download')}</Button>
          <Button className="button button-small" data-testid="editor-close" onPress={() => go(leaveTo)}>{t('card.close')}</Button>
          <Button className="button button-small" data-testid="check" data-busy={busy || undefined} onPress={() => void submit(false)}>{t('processes.check')}</Button>
          <Button className="button button-small button-primary" data-testid="deploy" data-busy={busy || undefined} onPress={() => void submit(true)}>{t('processes.deploy')}</Button>
        </div>
      </div>
      <input ref={file} type="file" accept=".bpmn,.xml" hidden aria-label={t('processes.open-file')} onChange={(event) => {
        const chosen = event.currentTarget.files?.[0];
        event.currentTarget.value = '';
        if (chosen && !askIfChanged(() => void read(chosen))) void read(chosen);
      }} />
      {error !== null && (editor ? <Refusal error={error} /> : <ProblemNotice error={error} />)}
      {kept && !stack?.canUndo() && (
        <p className="notice" role="status" data-testid="kept">
          {t('processes.kept')}
          <Button className="link" data-testid="drop-kept" onPress={() => void dropKept()}>{t('processes.drop-kept')}</Button>
        </p>
      )}
      {unread && <p className="notice notice-danger" role="alert">{t('processes.unreadable')}</p>}
      {found.sound && <p className="notice" role="status" data-testid="sound">{t('processes.sound')}</p>}
      {found.problems.length > 0 && (
        <section className="process-problems" role="alert" aria-label={t('processes.problems', { count: found.problems.length })}>
          <h3>{t('processes.problems', { count: found.problems.length })}</h3>
          <ul className="process-list" data-testid="problems">
            {found.problems.map((problem) => (
              <li key={`${problem.elementId ?? ''} ${problem.message}`} data-element={problem.elementId}>
                {problem.elementId && <Button className="link" onPress={() => choose(problem.elementId)}>{problem.elementId}</Button>} {problem.message}
              </li>
            ))}
          </ul>
        </section>
      )}
      {text !== null && <p className="notice" role="status" data-testid="no-drawing">{t('processes.no-drawing')}</p>}
      <div className={text === null ? 'process-workshop' : 'process-workshop process-writing'}>
        <div className="process-diagram process-drawing" role="group" aria-label={t('processes.drawing')}>
          {text !== null && <textarea ref={writing} className="input process-text" name="text" aria-label={t('processes.model-text')} spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />}
          <div ref={place} className="process-canvas" data-testid="drawing" data-ready={editor ? true : undefined} />
        </div>
        {text === null && workshop && shape && <Panel workshop={workshop} shape={shape} problems={mine} changes={changes} />}
      </div>
      {leaving && (
        <Ask title={t('processes.leave-title')} open onClose={() => setLeaving(null)}>
          <p>{t('processes.leave-text')}</p>
          <div className="dialog-buttons">
            <Button className="button" data-testid="stay" onPress={() => setLeaving(null)}>{t('processes.stay')}</Button>
            <Button className="button button-danger" data-testid="leave-sure" onPress={() => { setLeaving(null); settle(); leaving.leave(); }}>{t('processes.leave')}</Button>
          </div>
        </Ask>
      )}
    </main>
  );
}
