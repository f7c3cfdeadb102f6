// How a page tells of news to somebody who looks elsewhere: a sound and a notification, unless they are switched off on this
// device. The title, which the pages write, tells of it in any case.
import { recall, remember } from '../base/device';
import { createStore } from '../base/store';

export const alertsOn = createStore(recall('alerts') !== 'off');

export function switchAlerts(on: boolean) {
  remember('alerts', on ? 'on' : 'off');
  alertsOn.update(() => on);
  // The browser asks for leave only when the person presses something, as they just did.
  if (on && canAsk()) void Notification.requestPermission();
}

let audio: AudioContext | null = null;

// Browsers let a page sound only after the person has touched it.
export function allowSound() {
  try {
    audio ??= new AudioContext();
    if (audio.state === 'suspended') void audio.resume();
  } catch {
    audio = null;
  }
}

// Two soft notes, rising, for a new consultation; one for a message.
const melodies = { assigned: [659.25, 880], message: [587.33] };

export function sound(kind: keyof typeof melodies) {
  if (!alertsOn.get() || !audio || audio.state !== 'running') return;
  const start = audio.currentTime;
  for (const [index, frequency] of melodies[kind].entries()) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const at = start + index * 0.18;
    tone.type = 'sine';
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(kind === 'assigned' ? 0.22 : 0.12, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.32);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.35);
  }
}

export const canAsk = () => typeof Notification !== 'undefined' && Notification.permission === 'default';

// Says that there is something, and from whom, never what was written: notifications stay on lock screens.
export function notify(options: { title: string; body: string; tag: string; onPress: () => void }) {
  if (!alertsOn.get() || typeof Notification === 'undefined' || Notification.permission !== 'granted') return;
  try {
    const shown = new Notification(options.title, { body: options.body, tag: options.tag, icon: '/icon.svg', lang: document.documentElement.lang });
    shown.onclick = () => {
      window.focus();
      options.onPress();
      shown.close();
    };
  } catch {
    // Some phones show notifications from service workers only; sound and title remain.
  }
}
