import type { ComponentChildren } from 'preact';

import { SettingsMenu } from './settings-menu';
import { Icon } from './icon';

// The frame of the pages before a session: log in, set a password.
export function GatePage({ title, lead, children }: { title: string; lead: string; children: ComponentChildren }) {
  return (
    <div className="gate">
      <header className="gate-top"><span className="brand"><span className="brand-mark"><Icon name="logo" size={22} /></span>Consilium</span><SettingsMenu /></header>
      <main className="gate-main">
        <div className="gate-card">
          <h1>{title}</h1>
          <p className="gate-lead">{lead}</p>
          {children}
        </div>
      </main>
    </div>
  );
}
