// Outline icons of one weight, drawn on a 24-unit grid; always decoration beside or inside something that has a name.
const shapes = {
  logo: 'M5 4h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z M12 7.5v6 M9 10.5h6',
  send: 'M4 12 20 4.5 15 20l-3.6-6.4z M11.4 13.6 20 4.5',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z M12 7v5l3.2 2',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  checks: 'm2 12.5 4.2 4.5L14 8.5 M11.5 16l1 1L22 7.5',
  alert: 'M12 4 2.8 19.5h18.4z M12 10v4.5 M12 17v.4',
  menu: 'M4 7h16 M4 12h16 M4 17h16',
  down: 'm6 9 6 6 6-6',
  up: 'm6 15 6-6 6 6',
  back: 'm15 5-7 7 7 7',
  close: 'M6 6l12 12 M18 6 6 18',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z M12 2.5v2 M12 19.5v2 M2.5 12h2 M19.5 12h2 M5.3 5.3l1.4 1.4 M17.3 17.3l1.4 1.4 M18.7 5.3l-1.4 1.4 M6.7 17.3l-1.4 1.4',
  moon: 'M20 14.2A8.3 8.3 0 0 1 9.8 4a8.3 8.3 0 1 0 10.2 10.2z',
  screen: 'M4 5h16v11H4z M9 20h6 M12 16v4',
  globe: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z M3 12h18 M12 3c3.2 3.4 3.2 14.6 0 18 M12 3c-3.2 3.4-3.2 14.6 0 18',
  exit: 'M14 4h5v16h-5 M10 8l-4 4 4 4 M6 12h9',
  bell: 'M6 16V11a6 6 0 1 1 12 0v5l1.5 2h-15z M10 20.5h4',
  'bell-off': 'M6 16V11a6 6 0 0 1 9.500-4.900 M18 11v5l1.5 2H8 M10 20.5h4 M4 4l16 16',
  offline: 'M3 3l18 18 M8.5 15.5a5 5 0 0 1 5.6-.9 M5 12a10 10 0 0 1 4-2.4 M19 12a10 10 0 0 0-5.5-2.9 M12 19v.3 M2 8.5a15 15 0 0 1 4-2.5 M22 8.5A15 15 0 0 0 10.5 5',
  queue: 'M5 6h14 M5 12h9 M5 18h5 M17 14v5 M14.5 16.5h5',
  user: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z M4.5 20.5a7.5 7.5 0 0 1 15 0',
  beside: 'M4 5h7v14H4z M13 5h7v14h-7z',
  phone: 'M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1z M11 18h2',
  add: 'M12 5v14 M5 12h14',
  minus: 'M5 12h14',
  fit: 'M4 9V4h5 M20 9V4h-5 M4 15v5h5 M20 15v5h-5',
  process: 'M4 8h6v8H4z M10 12h4 M17.500 8.500 21 12l-3.500 3.500L14 12z',
  copy: 'M8 8h12v12H8z M16 8V4H4v12h4',
  chats: 'M4 4h12v9H9l-3 3v-3H4z M10 16h5l3 3v-3h2V8h-2',
  undo: 'M8 5 4 9l4 4 M4 9h10a6 6 0 0 1 0 12h-3',
  redo: 'm16 5 4 4-4 4 M20 9H10a6 6 0 0 0 0 12h3',
  returned: 'M4 12h11 M9 7l-5 5 5 5 M20 5v14',
  done: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z m-4 9.5 3 3 5.5-6.5',
  history: 'M4 12a8 8 0 1 0 2.6-5.9 M4 4v4h4 M12 8v4.4l3 1.8',
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z M12 11v5.5 M12 7.6v.4',
  thumbUp: 'M7 11v9H4v-9z M7 11l4-8c1.7 0 2.6 1.2 2.3 2.8L12.7 9H19a1.7 1.7 0 0 1 1.7 2l-1.3 7a2.3 2.3 0 0 1-2.2 2H7',
  thumbDown: 'M17 13V4h3v9z M17 13l-4 8c-1.7 0-2.6-1.2-2.3-2.8l.6-3.2H5a1.7 1.7 0 0 1-1.7-2l1.3-7A2.3 2.3 0 0 1 6.800 4H17',
  half: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z M8 12h8',
  lock: 'M6 11h12v9H6z M8.500 11V8a3.500 3.500 0 0 1 7 0v3',
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={shapes[name]} fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
