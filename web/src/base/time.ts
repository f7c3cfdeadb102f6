// Running and clock times as people read them.
export function elapsed(fromIso: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(fromIso)) / 1000));
  const hours = Math.floor(seconds / 3600);
  const two = (value: number) => String(value).padStart(2, '0');
  const tail = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}

// ISO 8601 duration of a running time, for `<time dateTime>`.
export const elapsedDuration = (fromIso: string, now: number) => `PT${Math.max(0, Math.floor((now - Date.parse(fromIso)) / 1000))}S`;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let made = formats.get(key);
  if (!made) formats.set(key, (made = new Intl.DateTimeFormat(language, options)));
  return made;
}

export const clockTime = (iso: string, language: string) => format(language, { hour: '2-digit', minute: '2-digit' }).format(new Date(iso));
export const clockSeconds = (time: number, language: string) => format(language, { timeStyle: 'medium' }).format(time);
export const dayAndTime = (iso: string, language: string) => format(language, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
export const exactTime = (iso: string, language: string) => format(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(iso));
export const dayOf = (iso: string) => format('en-CA', { dateStyle: 'short' }).format(new Date(iso));

export function dayName(iso: string, language: string, now: number): string {
  const days = Math.round((Date.parse(dayOf(new Date(now).toISOString())) - Date.parse(dayOf(iso))) / 86_400_000);
  if (days >= 0 && days < 2) {
    const text = new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-days, 'day');
    return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
  }
  return format(language, { weekday: 'long', day: 'numeric', month: 'long' }).format(new Date(iso));
}
