import type { ButtonHTMLAttributes, ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface MenuEntry {
  id: string;
  // Begins with its name, by which typing finds it.
  view: ComponentChildren;
  // One of several that exclude each other; undefined: something to do.
  isChosen?: boolean;
  onPick: () => void;
}

export interface MenuGroup {
  title?: string | undefined;
  entries: readonly MenuEntry[];
}

interface MenuProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'title'> {
  title: string;
  groups: readonly MenuGroup[];
}

// Between the menu and the edges of the window, and between it and its button (pixels).
const edge = 8;
// Letters typed this close together (milliseconds) are one word.
const oneWord = 800;

const entriesOf = (list: HTMLElement | null) => [...(list?.querySelectorAll<HTMLElement>('.menu-item') ?? [])];

// A button with a menu, as the ARIA Authoring Practices describe it: arrows, Home, End and letters move, Enter and Space pick, Escape,
// Tab and a press elsewhere close. The rest of the properties are the button's.
export function Menu({ title, groups, children, ...button }: MenuProps) {
  const [openedAt, setOpenedAt] = useState<'first' | 'last' | null>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const close = () => setOpenedAt(null);
  const id = useId();
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    setOpenedAt(event.key === 'ArrowUp' ? 'last' : 'first');
  };
  return (
    <>
      <button {...button} ref={opener} type="button" aria-haspopup="menu" aria-expanded={openedAt !== null} aria-controls={openedAt ? id : undefined}
        onKeyDown={onKeyDown} onClick={() => setOpenedAt(openedAt ? null : 'first')}>{children}</button>
      {openedAt && <MenuList id={id} title={title} groups={groups} opener={opener.current} openedAt={openedAt} onClose={close} />}
    </>
  );
}

interface MenuListProps {
  id: string;
  title: string;
  groups: readonly MenuGroup[];
  opener: HTMLElement | null;
  openedAt: 'first' | 'last';
  onClose: () => void;
}

function MenuList({ id, title, groups, opener, openedAt, onClose }: MenuListProps) {
  const popover = useRef<HTMLDivElement>(null);
  const typed = useRef({ word: '', at: 0 });
  const leave = useRef(onClose);
  leave.current = onClose;

  useLayoutEffect(() => {
    if (popover.current && opener) place(popover.current, opener);
    entriesOf(popover.current).at(openedAt === 'last' ? -1 : 0)?.focus();
  }, [opener, openedAt]);

  useEffect(() => {
    // The library takes listeners away a frame after the list: until then a list that is gone must not close the next one.
    const isOutside = (target: EventTarget | null) =>
      popover.current !== null && target instanceof Node && !popover.current.contains(target) && !opener?.contains(target);
    const look = (event: Event) => {
      if (isOutside(event.target)) leave.current();
    };
    // A phone changes its window as its bars come and go.
    const follow = () => {
      if (popover.current && opener) place(popover.current, opener);
    };
    document.addEventListener('pointerdown', look, true);
    document.addEventListener('focusin', look);
    addEventListener('resize', follow);
    return () => {
      document.removeEventListener('pointerdown', look, true);
      document.removeEventListener('focusin', look);
      removeEventListener('resize', follow);
    };
  }, [opener]);

  const back = () => {
    onClose();
    opener?.focus();
  };
  const pick = (entry: MenuEntry) => {
    back();
    entry.onPick();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // The browser goes on from the button, in either direction.
    if (event.key === 'Tab') {
      back();
      return;
    }
    const entries = entriesOf(popover.current);
    const wanted = entryFor(event, entries, typed.current);
    if (wanted) wanted.focus();
    else if (event.key === 'Escape') back();
    else if (event.key === 'Enter' || event.key === ' ') (document.activeElement as HTMLElement | null)?.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div ref={popover} className="popover">
      <div id={id} className="menu" role="menu" aria-label={title} onKeyDown={onKeyDown}>
        {groups.map((group, index) => (
          <Group key={index} group={group} isFirst={index === 0} pick={pick} />
        ))}
      </div>
    </div>
  );
}

function Group({ group, isFirst, pick }: { group: MenuGroup; isFirst: boolean; pick: (entry: MenuEntry) => void }) {
  const id = useId();
  return (
    <>
      {!isFirst && <div className="menu-line" role="separator" />}
      <div role="group" aria-labelledby={group.title === undefined ? undefined : id}>
        {group.title !== undefined && <div id={id} className="menu-header" role="presentation">{group.title}</div>}
        {group.entries.map((entry) => (
          <div key={entry.id} data-key={entry.id} className="menu-item" role={entry.isChosen === undefined ? 'menuitem' : 'menuitemradio'} aria-checked={entry.isChosen} tabIndex={-1}
            onClick={() => pick(entry)} onPointerMove={(event) => event.pointerType === 'mouse' && event.currentTarget.focus()}>
            {entry.view}
          </div>
        ))}
      </div>
    </>
  );
}

// Where a key leads from the entry that has the focus: null when it leads nowhere.
function entryFor(event: KeyboardEvent, entries: readonly HTMLElement[], typed: { word: string; at: number }): HTMLElement | null {
  const now = entries.findIndex((entry) => entry === document.activeElement);
  switch (event.key) {
    case 'ArrowDown': return entries[(now + 1) % entries.length] ?? null;
    case 'ArrowUp': return entries.at(now <= 0 ? -1 : now - 1) ?? null;
    case 'Home': return entries[0] ?? null;
    case 'End': return entries.at(-1) ?? null;
  }
  if (event.key.length !== 1 || event.key === ' ' || event.ctrlKey || event.metaKey || event.altKey) return null;
  typed.word = (event.timeStamp - typed.at < oneWord ? typed.word : '') + event.key.toLowerCase();
  typed.at = event.timeStamp;
  // A new letter goes on to the next entry of it; further letters may stay.
  const from = typed.word.length === 1 ? now + 1 : Math.max(now, 0);
  return [...entries.slice(from), ...entries.slice(0, from)].find((entry) => (entry.textContent ?? '').toLowerCase().startsWith(typed.word)) ?? null;
}

// Below its button, their right edges in line, within the window.
function place(popover: HTMLElement, opener: HTMLElement) {
  const button = opener.getBoundingClientRect();
  const width = popover.offsetWidth;
  popover.style.top = `${button.bottom + edge}px`;
  popover.style.left = `${Math.max(edge, Math.min(button.right - width, document.documentElement.clientWidth - width - edge))}px`;
  popover.style.maxHeight = `${innerHeight - button.bottom - 2 * edge}px`;
}
