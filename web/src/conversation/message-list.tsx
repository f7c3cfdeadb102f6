import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { Channel, Post } from '../api';
import { useNow } from '../base/clock';
import { memo } from '../base/memo';
import { clockTime, dayName, dayOf } from '../base/time';
import { useStore } from '../base/use-store';
import { useI18n } from '../i18n/i18n';
import type { Hub } from '../state/hub';
import { isRead, typists } from '../state/model';
import type { Entry } from '../state/outbox';
import { RichText } from '../text/rich-text';
import { Avatar } from '../ui/avatar';
import { Button } from '../ui/button';
import { Icon } from '../ui/icon';
import { ActionButtons } from './action-buttons';

// So near to the end (pixels) the list follows new messages.
const nearEnd = 120;
// Messages of one author this close together are one group.
const groupWithin = 5 * 60_000;
const nothing: readonly Post[] = [];

// `until`: what was written from then on belongs to a later case.
export function MessageList({ hub, channelId, empty, until }: { hub: Hub; channelId: string; empty: string; until?: string | undefined }) {
  const { t, language } = useI18n();
  const me = hub.person.id;
  const all = useStore(hub.state, (state) => state.posts[channelId]) ?? nothing;
  const posts = useMemo(() => (until === undefined ? all : all.filter((post) => post.at < until)), [all, until]);
  const channel = useStore(hub.state, (state) => state.channels[channelId]);
  const older = useStore(hub.state, (state) => state.older[channelId]);
  const unsent = useStore(hub.outbox.entries, (entries) => entries.filter((entry) => entry.channelId === channelId), sameEntries);
  const stored = new Set(posts.map((post) => post.clientId));
  const waiting = until === undefined ? unsent.filter((entry) => !stored.has(entry.clientId)) : [];
  const today = useNow(60_000);
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [away, setAway] = useState(false);
  const [loading, setLoading] = useState(false);
  const firstId = posts[0]?.id;
  const newest = posts.at(-1);
  const held = useRef<{ id: string | undefined; height: number }>({ id: undefined, height: 0 });

  const size = useRef('');

  const toEnd = () => {
    const element = list.current;
    if (element) element.scrollTop = element.scrollHeight;
  };

  // Older messages appear above without moving what is read; new ones are followed when the end was in view.
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    if (held.current.id !== undefined && firstId !== held.current.id && !atEnd.current) element.scrollTop += element.scrollHeight - held.current.height;
    else if (atEnd.current) toEnd();
    held.current = { id: firstId, height: element.scrollHeight };
  }, [firstId, newest?.id, posts.length, waiting.length]);

  useEffect(() => {
    const element = list.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => {
      size.current = sizeOf(element);
      if (atEnd.current) toEnd();
    });
    observer.observe(element);
    for (const child of element.children) observer.observe(child);
    return () => observer.disconnect();
  }, []);

  // What is on screen in front of the person is read.
  useEffect(() => {
    if (!newest) return undefined;
    const mark = () => {
      if (document.visibilityState === 'visible' && document.hasFocus() && atEnd.current) hub.read(channelId, newest.id);
    };
    mark();
    addEventListener('focus', mark);
    document.addEventListener('visibilitychange', mark);
    const stop = hub.connection.phase.subscribe(mark);
    return () => {
      removeEventListener('focus', mark);
      document.removeEventListener('visibilitychange', mark);
      stop();
    };
  }, [hub, channelId, newest, away]);

  const loadOlder = () => {
    setLoading(true);
    hub.loadOlder(channelId).catch((error: unknown) => hub.trouble.update(() => error)).finally(() => setLoading(false));
  };

  return (
    <div className="messages-frame">
      <div className="messages" ref={list} role="log" aria-label={t('chat.messages')} tabIndex={0} data-testid="messages"
        onScroll={(event) => {
          const element = event.currentTarget;
          // A window that changes its size scrolls by itself; only what the person does counts.
          if (size.current !== sizeOf(element)) return;
          atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < nearEnd;
          setAway(!atEnd.current);
        }}>
        {older && <div className="messages-older"><Button className="button button-small" onPress={loadOlder} data-busy={loading || undefined}><Icon name="up" size={16} />{t('chat.older')}</Button></div>}
        {posts.length === 0 && waiting.length === 0 && older !== undefined && <p className="messages-empty">{empty}</p>}
        <ol className="message-list">
          {posts.map((post, index) => (
            <PostItem key={post.clientId && post.authorId === me ? post.clientId : post.id} hub={hub} post={post} mine={post.authorId === me} read={post.authorId === me && isRead(channel, post)}
              day={dayOf(post.at) !== (index > 0 ? dayOf(posts[index - 1]?.at ?? post.at) : '') ? dayName(post.at, language, today) : null}
              follows={follows(posts[index - 1], post)} />
          ))}
          {waiting.map((entry) => <UnsentItem key={entry.clientId} hub={hub} entry={entry} />)}
        </ol>
        <Typing hub={hub} channelId={channelId} channel={channel} />
      </div>
      {away && (
        <Button className="button to-end" aria-label={t('chat.to-end')} onPress={() => { atEnd.current = true; setAway(false); toEnd(); }}>
          <Icon name="down" />
        </Button>
      )}
    </div>
  );
}

const sizeOf = (element: HTMLElement) => `${element.clientWidth} ${element.clientHeight} ${element.scrollHeight}`;

const sameEntries = (left: readonly Entry[], right: readonly Entry[]) => left.length === right.length && left.every((entry, index) => entry === right[index]);

function follows(before: Post | undefined, post: Post): boolean {
  return before !== undefined && before.authorKind === post.authorKind && before.authorId === post.authorId
    && Date.parse(post.at) - Date.parse(before.at) < groupWithin && dayOf(before.at) === dayOf(post.at) && before.actions.length === 0;
}

const PostItem = memo(function PostItem({ hub, post, mine, read, day, follows: joined }: { hub: Hub; post: Post; mine: boolean; read: boolean; day: string | null; follows: boolean }) {
  const { t, language } = useI18n();
  const bot = post.authorKind === 'bot';
  return (
    <>
      {day && <li className="day"><span>{day}</span></li>}
      <li className="message" data-mine={mine} data-bot={bot} data-follows={joined} data-post={post.id}>
        {!mine && (joined ? <span className="avatar-gap" /> : <Avatar name={post.authorName} bot={bot} size="small" />)}
        <div className="bubble">
          {!joined && !mine && <p className="author">{post.authorName}</p>}
          {mine && <span className="visually-hidden">{t('chat.you')}</span>}
          <RichText text={post.text} />
          {post.actions.length > 0 && <ActionButtons hub={hub} post={post} />}
          <p className="stamp">
            {post.ephemeral && hub.person.type !== 'client' && <span>{t('chat.only-you')} · </span>}
            <time dateTime={post.at}>{clockTime(post.at, language)}</time>
            {mine && (
              <span className="mark" data-mark={read ? 'read' : 'sent'}>
                <Icon name={read ? 'checks' : 'check'} size={15} /><span className="visually-hidden">{t(read ? 'chat.read' : 'chat.sent')}</span>
              </span>
            )}
          </p>
        </div>
      </li>
    </>
  );
});

function UnsentItem({ hub, entry }: { hub: Hub; entry: Entry }) {
  const { t, language } = useI18n();
  return (
    <li className="message" data-mine="true" data-unsent="true" data-failed={entry.failure !== undefined}>
      <div className="bubble">
        <span className="visually-hidden">{t('chat.you')}</span>
        <RichText text={entry.text} />
        <p className="stamp">
          <span>{t(entry.failure ? 'chat.failed' : 'chat.unsent')} · </span>
          <time dateTime={entry.at}>{clockTime(entry.at, language)}</time>
          <span className="mark" data-mark={entry.failure ? 'failed' : 'unsent'}><Icon name={entry.failure ? 'alert' : 'clock'} size={15} /></span>
        </p>
        {entry.failure && (
          <div className="failure">
            <p role="alert">{entry.failure.title}</p>
            <div className="row">
              <Button className="button button-small" onPress={() => hub.outbox.retry(entry.clientId)}>{t('chat.retry')}</Button>
              <Button className="button button-small button-quiet" onPress={() => hub.outbox.discard(entry.clientId)}>{t('chat.discard')}</Button>
            </div>
          </div>
        )}
      </div>
    </li>
  );
}

function Typing({ hub, channelId, channel }: { hub: Hub; channelId: string; channel: Channel | undefined }) {
  const { t } = useI18n();
  const now = useNow();
  const names = useStore(hub.state, (state) => typists(state, channelId, now).join(', '));
  return (
    <p className="typing" data-testid="typing">
      {names !== '' && channel && <><span className="typing-dots" aria-hidden="true"><i /><i /><i /></span>{t('chat.typing', { names })}</>}
    </p>
  );
}
