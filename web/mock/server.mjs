// A small stand-in for the platform: the routes and events that the pages use, in memory, for looking at pages and for
// tests of the pages alone. It keeps to the contract (api/consilium/*/v1); it is no part of the product.
//   node mock/server.mjs [--port 8080] [--static dist]
// People: anna, boris (clients), clara, david (consultants), admin (administrator); the password of all is `mock-password`.
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { WebSocketServer } from 'ws';

export const password = 'mock-password';
const groupLimit = 3;
const securityHeaders = {
  'Content-Security-Policy': "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};
const mimeTypes = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
const catalogues = Object.fromEntries(await Promise.all(['en', 'ru'].map(async (language) =>
  [language, JSON.parse(await readFile(fileURLToPath(new URL(`../../locales/${language}.json`, import.meta.url)), 'utf8'))])));

export class Mock {
  /** @param {{ pingSeconds?: number, now?: () => number }} options */
  constructor({ pingSeconds = 10, now = () => Date.now() } = {}) {
    this.pingSeconds = pingSeconds;
    this.now = now;
    this.lastMillisecond = 0;
    this.counter = 0;
    this.users = new Map();
    this.channels = new Map();
    this.posts = new Map();
    this.tasks = new Map();
    this.history = new Map();
    this.sessions = new Map();
    this.logs = new Map();
    this.sockets = new Set();
    this.presence = new Map();
    this.excluded = new Map();
    this.numbers = 0;
    this.links = new Set(['mock-link-token']);
    // What the next calls of a path answer instead, for tests of failures.
    this.faults = [];
    this.addUser('anna', 'client', 'Anna', 'Berg', '+4915112345678');
    this.addUser('boris', 'client', 'Boris', 'Volkov', '+79161234567');
    this.addUser('clara', 'consultant', 'Clara', 'Novak');
    this.addUser('david', 'consultant', 'David', 'Stern');
    this.addUser('admin', 'administrator', 'Alex', 'Meyer');
  }

  iso() { return new Date(this.now()).toISOString(); }

  // UUIDv7, rising also within a millisecond.
  id() {
    const millisecond = Math.max(this.now(), this.lastMillisecond);
    this.counter = millisecond === this.lastMillisecond ? this.counter + 1 : 0;
    this.lastMillisecond = millisecond;
    const time = millisecond.toString(16).padStart(12, '0');
    const sequence = this.counter.toString(16).padStart(3, '0');
    const tail = randomBytes(8).toString('hex');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence}-a${tail.slice(1, 4)}-${tail.slice(4)}`.padEnd(36, '0');
  }

  addUser(username, type, firstName, lastName, phone) {
    const user = {
      id: this.id(), username, type, status: 'active', groups: [type === 'client' ? 'client' : 'consultant'], firstName, lastName, language: 'en',
      ...(phone ? { phone, birthDate: '1984-03-17', sex: 'f' } : { email: `${username}@example.org` }),
      createdAt: this.iso(), updatedAt: this.iso(), version: 1,
    };
    this.users.set(user.id, user);
    this.logs.set(user.id, []);
    this.presence.set(user.id, 'online');
    if (type !== 'client') return user;
    const channel = { id: this.id(), kind: 'common', displayName: `${firstName} ${lastName}`, members: [], createdAt: this.iso() };
    this.channels.set(channel.id, channel);
    this.posts.set(channel.id, []);
    user.commonChannelId = channel.id;
    this.join(channel, user, 'write');
    this.botPost(channel.id, 'client.hello', { client: user.id }, user);
    return user;
  }

  byName(username) { return [...this.users.values()].find((user) => user.username === username); }
  nameOf(user) { return `${user.firstName} ${user.lastName}`; }
  person(user) {
    const permissions = { client: ['chat.post'], consultant: ['chat.post', 'tasks.work', 'tasks.history', 'users.read'], administrator: ['users.read', 'users.contacts', 'users.create', 'users.manage', 'sessions.manage', 'tasks.read', 'tasks.manage', 'tasks.history', 'processes.read', 'processes.manage'] };
    return { id: user.id, username: user.username, displayName: this.nameOf(user), type: user.type, language: user.language, permissions: permissions[user.type] ?? [] };
  }
  effective(userId) {
    if (![...this.sockets].some((socket) => socket.userId === userId)) return 'offline';
    return this.presence.get(userId);
  }

  // --- events -------------------------------------------------------------------------------------------------------
  send(socket, envelope) { socket.send(JSON.stringify({ id: randomUUID(), at: this.iso(), ...envelope })); }
  tell(userId, type, data) {
    const log = this.logs.get(userId);
    const envelope = { seq: log.length + 1, type, at: this.iso(), data };
    log.push(envelope);
    for (const socket of this.sockets) if (socket.userId === userId) this.send(socket, envelope);
  }
  signal(userIds, type, data, except) {
    for (const socket of this.sockets) if (userIds.includes(socket.userId) && socket !== except) this.send(socket, { type, data });
  }
  presenceChanged(userId) {
    const status = this.effective(userId);
    for (const channel of this.channels.values()) {
      const ids = channel.members.map((member) => member.userId);
      if (ids.includes(userId)) this.signal(ids, 'presence', { userId, status });
    }
    this.assign();
  }

  // --- chat ---------------------------------------------------------------------------------------------------------
  join(channel, user, access) {
    channel.members = channel.members.filter((member) => member.userId !== user.id);
    channel.members.push({ userId: user.id, kind: user.type, access });
    for (const member of channel.members) this.tell(member.userId, 'channel.joined', { channelId: channel.id, member: this.memberView(channel.members.at(-1)) });
  }
  memberView(member) {
    return { ...member, displayName: this.nameOf(this.users.get(member.userId)), presence: this.effective(member.userId) };
  }
  channelView(channel, userId) {
    const mark = channel.members.find((member) => member.userId === userId)?.lastReadPostId ?? '';
    const posts = this.visible(channel.id, userId);
    return {
      id: channel.id, kind: channel.kind, displayName: channel.displayName, members: channel.members.map((member) => this.memberView(member)),
      unreadCount: posts.filter((post) => post.authorId !== userId && post.id > mark).length, createdAt: channel.createdAt,
      ...(posts.length > 0 ? { lastPost: this.postView(posts.at(-1), userId) } : {}),
    };
  }
  visible(channelId, userId) { return this.posts.get(channelId).filter((post) => !post.to || post.to === userId); }
  postView(post, userId) {
    const { to: _, chosen, ...view } = post;
    const language = this.users.get(userId).language;
    if (post.code) view.text = this.predefined(post.code, post.parameters, language);
    const offered = post.code === 'client.feedback' && this.users.get(userId).type === 'client' ? ['yes', 'partially', 'no'] : [];
    view.actions = offered.map((id) => ({ id, label: catalogues[language][`action.${id}`] ?? id, style: id === 'yes' ? 'primary' : 'default', token: `${post.id}.${id}`, takesText: true, chosen: chosen === id }));
    return view;
  }
  predefined(code, parameters, language) {
    const text = catalogues[language][code.startsWith('bot.') ? code : `post.${code}`] ?? code;
    return text.replace(/\{(\w+)\}/g, (_, name) => {
      const value = parameters[name];
      return this.users.has(value) ? this.nameOf(this.users.get(value)) : String(value ?? '');
    });
  }
  botPost(channelId, code, parameters = {}, to) {
    const post = { id: this.id(), channelId, authorKind: 'bot', authorName: 'Consilium', text: '', at: this.iso(), ephemeral: to !== undefined, code, parameters, actions: [], to: to?.id };
    this.store(post);
  }
  store(post) {
    this.posts.get(post.channelId).push(post);
    for (const member of this.channels.get(post.channelId).members) {
      if (!post.to || post.to === member.userId) this.tell(member.userId, 'post.created', this.postView(post, member.userId));
    }
  }
  post(user, channelId, text, clientId) {
    const known = clientId && this.posts.get(channelId).find((post) => post.clientId === clientId && post.authorId === user.id);
    if (known) return known;
    const post = { id: this.id(), channelId, authorKind: 'user', authorId: user.id, authorName: this.nameOf(user), text, at: this.iso(), ephemeral: false, actions: [], ...(clientId ? { clientId } : {}) };
    this.store(post);
    if (user.type === 'client') this.request(user, channelId, post);
    else for (const task of this.tasks.values()) if (task.channelId === channelId && task.substatus === 'assigned' && task.assignee.userId === user.id) this.change(task, 'start', user);
    return post;
  }
  read(user, channelId, postId) {
    const channel = this.channels.get(channelId);
    const mine = channel?.members.find((member) => member.userId === user.id);
    if (!mine || (mine.lastReadPostId ?? '') >= postId) return;
    mine.lastReadPostId = postId;
    for (const member of channel.members) this.tell(member.userId, 'channel.read', { channelId, userId: user.id, postId });
  }

  // --- tasks --------------------------------------------------------------------------------------------------------
  request(client, channelId, post) {
    if ([...this.tasks.values()].some((task) => task.channelId === channelId && task.status === 'open')) return;
    if (/^(hi|hello|привет|здравствуйте)\W*$/i.test(post.text)) {
      this.botPost(channelId, 'bot.greeting');
      return;
    }
    const now = this.iso();
    this.numbers += 1;
    const task = {
      id: this.id(), number: `MOI-${String(this.numbers).padStart(6, '0')}`, type: { type: 'client', subtype: 'common-request' }, status: 'open', substatus: 'on-assignment',
      reporter: { userId: client.id, displayName: this.nameOf(client), at: post.at }, assignee: { group: 'consultant', at: now }, channelId, title: 'Request', description: '',
      createdAt: now, updatedAt: now, version: 1, processInstance: String(2251799813685249 + this.numbers), waitingSince: post.at,
    };
    this.tasks.set(task.id, task);
    this.history.set(task.id, []);
    this.note(task, 'report', client);
    this.botPost(channelId, 'client.new-request', {}, client);
    this.tell(client.id, 'task.created', this.taskView(task));
    this.assign();
  }
  queue() { return [...this.tasks.values()].filter((task) => task.substatus === 'on-assignment').sort((a, b) => (a.waitingSince < b.waitingSince ? -1 : 1)); }
  taskView({ waitingSince, ...task }) {
    if (task.substatus !== 'on-assignment') return task;
    return { ...task, waiting: { since: waitingSince, position: this.queue().findIndex((each) => each.id === task.id) + 1, reason: this.waitReason() } };
  }
  waitReason() {
    const online = [...this.users.values()].some((user) => user.type === 'consultant' && this.effective(user.id) === 'online');
    return online ? 'all-busy' : 'nobody-online';
  }
  load(userId) { return [...this.tasks.values()].filter((task) => task.status === 'open' && task.assignee.userId === userId).length; }
  assign() {
    for (const task of this.queue()) {
      const candidates = [...this.users.values()].filter((user) => user.type === 'consultant' && this.effective(user.id) === 'online' && this.load(user.id) < groupLimit && !this.excluded.get(task.id)?.has(user.id));
      candidates.sort((a, b) => this.load(a.id) - this.load(b.id));
      if (candidates[0]) this.give(task, candidates[0]);
    }
    for (const task of this.queue()) this.signal([task.reporter.userId], 'queue.position', { taskId: task.id, ...this.taskView(task).waiting });
  }
  give(task, consultant) {
    const client = this.users.get(task.reporter.userId);
    task.assignee = { group: 'consultant', userId: consultant.id, displayName: this.nameOf(consultant), at: this.iso() };
    task.substatus = 'assigned';
    task.answerBy = new Date(this.now() + 120_000).toISOString();
    this.touch(task, 'assign', null);
    this.join(this.channels.get(task.channelId), consultant, 'write');
    this.tell(consultant.id, 'task.created', this.taskView(task));
    this.tell(client.id, 'task.updated', this.taskView(task));
    this.botPost(task.channelId, 'client.request-assigned', { consultant: consultant.id }, client);
    this.botPost(task.channelId, 'consultant.request-assigned', { client: client.id, clientPhone: client.phone }, consultant);
  }
  note(task, transition, by, reason) {
    this.history.get(task.id).unshift({ at: this.iso(), status: task.status, substatus: task.substatus, group: 'consultant', ...(task.assignee.userId ? { userId: task.assignee.userId } : {}), changedBy: by ? 'user' : 'tasks', ...(by ? { changedByUserId: by.id } : {}), transition, ...(reason ? { reason } : {}) });
  }
  touch(task, transition, by, reason) {
    task.version += 1;
    task.updatedAt = this.iso();
    this.note(task, transition, by, reason);
  }
  change(task, transition, by, reason) {
    const former = task.assignee.userId;
    delete task.answerBy;
    if (transition === 'start') task.substatus = 'in-progress';
    if (transition === 'solve') Object.assign(task, { status: 'closed', substatus: 'solved', closedAt: this.iso() });
    if (transition === 'cancel') Object.assign(task, { status: 'closed', substatus: 'cancelled', closedAt: this.iso() });
    if (transition === 'return') {
      Object.assign(task, { substatus: 'on-assignment', waitingSince: this.iso(), assignee: { group: 'consultant', at: this.iso() } });
      this.excluded.set(task.id, (this.excluded.get(task.id) ?? new Set()).add(former));
    }
    this.touch(task, transition, by, reason);
    if (transition === 'solve' || transition === 'return') this.join(this.channels.get(task.channelId), this.users.get(former), 'read');
    for (const userId of new Set([task.reporter.userId, former])) if (userId) this.tell(userId, 'task.updated', this.taskView(task));
    if (transition === 'solve') {
      this.botPost(task.channelId, 'client.task-solved', { taskNum: task.number, taskId: task.id });
      this.botPost(task.channelId, 'client.feedback', { taskId: task.id });
    }
    this.assign();
  }

  // --- HTTP ---------------------------------------------------------------------------------------------------------
  problem(status, code, language, extra = {}) {
    return { status, body: { type: `/problems/${code}`, title: catalogues[language][`error.${code}`] ?? code, status, code, requestId: this.id(), ...extra } };
  }

  endSession(token) {
    this.sessions.delete(token);
    for (const socket of this.sockets) if (socket.cookie === token) socket.close(1000);
  }

  create(by, type, body, fail) {
    if (by.type !== 'administrator') return fail(403, 'gateway.forbidden');
    const needed = type === 'client' ? ['firstName', 'lastName', 'sex', 'birthDate', 'phone'] : ['firstName', 'lastName', 'email'];
    const fields = needed.filter((name) => !body[name]).map((name) => ({ name, code: 'required', message: 'This is required.' }));
    if (type !== 'client' && body.groups.length === 0) fields.push({ name: 'groups', code: 'too-few', message: 'At least one.' });
    if (fields.length > 0) return fail(422, 'request.validation', { fields });
    const username = body.phone ?? body.email.split('@')[0];
    if (this.byName(username)) return fail(409, 'users.username-taken');
    return { status: 202, body: { ...this.addUser(username, type, body.firstName, body.lastName, body.phone), status: 'draft' } };
  }

  async call(method, path, query, headers, body, cookie) {
    const language = /^ru/.test(headers['accept-language'] ?? '') ? 'ru' : 'en';
    const fail = (status, code, extra) => this.problem(status, code, language, extra);
    const fault = this.faults.findIndex((each) => each.method === method && each.path.test(path));
    if (fault >= 0) {
      const [{ status, code, extra }] = this.faults.splice(fault, 1);
      return fail(status, code, extra);
    }
    const session = this.sessions.get(cookie);
    const user = session && this.users.get(session.userId);
    const at = (pattern) => {
      const match = new RegExp(`^${pattern.replace(/\{\w+\}/g, '([^/]+)')}$`).exec(path);
      return match && match.slice(1).map(decodeURIComponent);
    };
    const page = (items) => {
      const limit = Number(query.get('limit') ?? 50);
      const from = Number(query.get('cursor') ?? 0);
      return { status: 200, body: { items: items.slice(from, from + limit), nextCursor: from + limit < items.length ? String(from + limit) : null } };
    };
    if (method === 'POST' && path === '/sessions') {
      const found = this.byName(body.username);
      if (!found || body.password !== password) return fail(401, 'sessions.bad-credentials');
      const token = randomBytes(32).toString('hex');
      this.sessions.set(token, { id: this.id(), userId: found.id, createdAt: this.iso(), userAgent: headers['user-agent'] ?? '' });
      return { status: 201, cookie: token, body: { sessionId: this.sessions.get(token).id, user: this.person(found) } };
    }
    if (method === 'POST' && path === '/passwords') {
      if (!this.links.delete(body.token)) return fail(422, 'sessions.bad-link');
      return { status: 204 };
    }
    if (!user) return fail(401, 'sessions.required');
    if (method === 'GET' && path === '/sessions/current') return { status: 200, body: { sessionId: session.id, user: this.person(user), expiresAt: new Date(this.now() + 43_200_000).toISOString() } };
    if (method === 'DELETE' && path === '/sessions/current') {
      this.endSession(cookie);
      return { status: 204, cookie: '' };
    }
    if (method === 'GET' && path === '/sessions') {
      const own = [...this.sessions.entries()].filter(([, each]) => each.userId === user.id);
      return { status: 200, body: { items: own.map(([token, each]) => ({ ...each, lastUsedAt: each.createdAt, expiresAt: each.createdAt, remoteAddress: '127.0.0.1', current: token === cookie })) } };
    }
    let parts;
    if (method === 'DELETE' && (parts = at('/sessions/{id}'))) {
      const [id] = parts;
      const [token] = [...this.sessions.entries()].find(([, each]) => each.id === id && each.userId === user.id) ?? [];
      if (!token) return fail(404, 'sessions.not-found');
      this.endSession(token);
      return { status: 204 };
    }
    if (method === 'PUT' && path === '/users/me/password') {
      if (body.currentPassword !== password) return fail(401, 'sessions.bad-credentials');
      for (const [token, each] of [...this.sessions]) if (each.userId === user.id && token !== cookie) this.endSession(token);
      return { status: 204 };
    }
    if (method === 'GET' && path === '/groups') return { status: 200, body: { items: [{ code: 'client', type: 'client' }, { code: 'consultant', type: 'consultant' }, { code: 'consultant-med', type: 'consultant' }, { code: 'doctor-dentist', type: 'expert' }] } };
    if (method === 'POST' && (parts = at('/users/(clients|consultants|experts)'))) return this.create(user, parts[0].slice(0, -1), body, fail);
    if (method === 'GET' && path === '/users/me') return { status: 200, body: user };
    if (method === 'PUT' && path === '/users/me/presence') {
      this.presence.set(user.id, body.status);
      this.presenceChanged(user.id);
      return { status: 200, body: { status: body.status, effective: this.effective(user.id) } };
    }
    if (method === 'GET' && path === '/users/me/presence') return { status: 200, body: { status: this.presence.get(user.id), effective: this.effective(user.id) } };
    if (method === 'GET' && path === '/users') return user.type === 'administrator' ? page([...this.users.values()].filter((each) => ['type', 'status', 'username', 'phone', 'email'].every((name) => !query.get(name) || each[name] === query.get(name)))) : fail(403, 'gateway.forbidden');
    if ((parts = at('/users/{id}'))) {
      const found = this.users.get(parts[0]);
      if (!found) return fail(404, 'users.not-found');
      if (method === 'PATCH') {
        const { id: _, version: __, ...changes } = body;
        Object.assign(found, changes, { version: found.version + 1 });
      }
      return { status: 200, body: found };
    }
    if (method === 'POST' && (parts = at('/users/{id}/password-link'))) return user.type === 'administrator' ? { status: 200, body: { token: 'a-link-of-the-stand-in', expiresAt: new Date(this.now() + 3 * 86_400_000).toISOString() } } : fail(403, 'gateway.forbidden');
    if (method === 'POST' && (parts = at('/users/{id}/(lock|unlock)'))) {
      const found = this.users.get(parts[0]);
      Object.assign(found, { status: path.endsWith('/lock') ? 'locked' : 'active', version: found.version + 1 });
      return { status: 200, body: found };
    }
    if (method === 'GET' && path === '/channels') return page([...this.channels.values()].filter((channel) => channel.members.some((member) => member.userId === user.id)).map((channel) => this.channelView(channel, user.id)));
    if ((parts = at('/channels/{id}')) ?? (parts = at('/channels/{id}/posts')) ?? (parts = at('/channels/{id}/read'))) {
      const channel = this.channels.get(parts[0]);
      const member = channel?.members.find((each) => each.userId === user.id);
      if (!member) return fail(404, 'chat.channel-not-found');
      if (method === 'GET' && path.endsWith('/posts')) return page(this.visible(channel.id, user.id).map((post) => this.postView(post, user.id)).reverse());
      if (method === 'POST' && path.endsWith('/posts')) {
        if (member.access !== 'write') return fail(403, 'chat.read-only');
        return { status: 201, body: this.postView(this.post(user, channel.id, body.text, body.clientId), user.id) };
      }
      if (method === 'POST') {
        this.read(user, channel.id, body.postId);
        return { status: 204 };
      }
      return { status: 200, body: this.channelView(channel, user.id) };
    }
    if (method === 'POST' && (parts = at('/posts/{id}/actions/{action}'))) {
      const post = [...this.posts.values()].flat().find((each) => each.id === parts[0]);
      if (!post) return fail(404, 'chat.post-not-found');
      if (body.token !== `${post.id}.${parts[1]}`) return fail(403, 'chat.bad-action');
      post.chosen = parts[1];
      const task = this.tasks.get(post.parameters.taskId);
      if (task) {
        task.feedback = { answer: parts[1], userId: user.id, at: this.iso(), ...(body.text ? { text: body.text } : {}) };
        this.touch(task, 'feedback', user);
        if (task.assignee.userId) this.tell(task.assignee.userId, 'task.updated', this.taskView(task));
      }
      const view = this.postView(post, user.id);
      this.tell(user.id, 'post.updated', view);
      return { status: 200, body: view };
    }
    if (method === 'GET' && path === '/tasks') {
      const wanted = [...this.tasks.values()].filter((task) =>
        (!query.get('status') || task.status === query.get('status')) && (!query.get('assigneeUserId') || task.assignee.userId === query.get('assigneeUserId'))
        && (!query.get('reporterUserId') || task.reporter.userId === query.get('reporterUserId')) && (!query.get('substatus') || task.substatus === query.get('substatus')) && (!query.get('number') || task.number === query.get('number')));
      return page(wanted.map((task) => this.taskView(task)).reverse());
    }
    if ((parts = at('/tasks/{id}')) ?? (parts = at('/tasks/{id}/(?:history|transitions|assignee)')) ?? (parts = at('/tasks/{id}/transitions/{transition}'))) {
      const task = this.tasks.get(parts[0]) ?? [...this.tasks.values()].find((each) => each.number === parts[0]);
      if (!task) return fail(404, 'tasks.not-found');
      if (path.endsWith('/history')) return { status: 200, body: { items: this.history.get(task.id) } };
      if (method === 'GET' && path.endsWith('/transitions')) return { status: 200, body: { items: task.status === 'closed' ? [] : [['assign', false], ['return', true], ['solve', false], ['cancel', true]].map(([id, reasonRequired]) => ({ id, reasonRequired })) } };
      if (method === 'PUT') {
        const former = task.assignee.userId;
        if (former) this.join(this.channels.get(task.channelId), this.users.get(former), 'read');
        this.give(task, this.users.get(body.userId));
        if (former) this.tell(former, 'task.updated', this.taskView(task));
      }
      if (method === 'POST') {
        if (task.status === 'closed') return fail(409, 'tasks.illegal-transition');
        if (task.assignee.userId !== user.id && user.type !== 'administrator') return fail(403, 'tasks.not-yours');
        if (parts[1] === 'return' && !body.reason) return fail(422, 'tasks.reason-required');
        this.change(task, parts[1], user, body.reason);
      }
      return { status: 200, body: this.taskView(task) };
    }
    if (method === 'GET' && path === '/assignments/log') return page([...this.tasks.values()].filter((task) => task.id === query.get('taskId') && task.assignee.userId).map((task) => ({ id: task.id, at: task.assignee.at, rule: 'client-common-request-assignment', taskId: task.id, taskNumber: task.number, candidates: 2, waited: 'PT3S', choice: { openTasks: 0, idleSince: task.createdAt, atLimit: 0, leftOut: 0, limit: groupLimit } })));
    if (path.startsWith('/processes')) return this.answerProcesses(method, path, query, body, fail) ?? fail(404, 'gateway.no-route');
    if (method === 'GET' && path === '/incidents') return { status: 200, body: { items: this.incidents ?? [] } };
    if (method === 'POST' && (parts = at('/incidents/{key}/resolve'))) {
      this.incidents = (this.incidents ?? []).filter((incident) => incident.key !== parts[0]);
      return { status: 204 };
    }
    return fail(404, 'gateway.no-route');
  }

  // An engine whose every job fails.
  answerProcesses(method, path, query, body, fail) {
    this.models ??= [];
    this.decisions ??= [];
    this.instances ??= [];
    const [, , place, key, part] = path.split('/');
    const list = (items) => ({ status: 200, body: { items, nextCursor: null } });
    if (place === 'models' && method === 'POST') {
      const problems = body.files.flatMap(({ name, xml }) => [...xml.matchAll(/<bpmn:serviceTask id="([^"]+)"[^]*?<\/bpmn:serviceTask>/g)].filter(([task]) => !/taskDefinition [^>]*type="[^"]/.test(task)).map(([, elementId]) => ({ file: name, elementId, message: 'Expected a job type' })));
      if (body.dryRun || problems.length > 0) return { status: 200, body: { items: [], problems } };
      for (const { name, xml } of body.files) {
        if (name.endsWith('.dmn')) {
          this.addDecisions(name, xml);
          continue;
        }
        const processId = /process id="([^"]+)"/.exec(xml)[1];
        const version = this.models.filter((model) => model.processId === processId).length + 1;
        for (const model of this.models) if (model.processId === processId) model.newest = false;
        this.models.unshift({ key: String(this.models.length + 1), processId, version, name: 'Tidy up', resourceName: name, deployedAt: this.iso(), newest: true, active: 0, stuck: 0, xml });
      }
      return { status: 200, body: { items: this.models.slice(0, 1), problems } };
    }
    if (place === 'models') {
      const found = this.models.find((model) => model.key === key);
      if (key) return found ? { status: 200, body: found } : fail(404, 'processes.not-found');
      return list(this.models.filter((model) => !query.get('processId') || model.processId === query.get('processId')).map(({ xml: _, ...model }) => model));
    }
    if (place === 'decisions') {
      const found = this.decisions.find((decision) => decision.key === key);
      if (key) return found ? { status: 200, body: found } : fail(404, 'processes.not-found');
      return list(this.decisions.filter((decision) => !query.get('decisionId') || decision.decisionId === query.get('decisionId')).map(({ xml: _, ...decision }) => ({ ...decision, file: [] })));
    }
    if (place === 'instances' && !key && method === 'POST') {
      const model = this.models.find((each) => each.processId === body.processId);
      const [, elementId] = /serviceTask id="([^"]+)"/.exec(model.xml);
      const at = String(1000 + this.instances.length * 10);
      const incident = { key: `${at}3`, instanceKey: at, processId: model.processId, elementId, errorType: 'JOB_NO_RETRIES', message: 'request.invalid: userId: Expected a text', createdAt: this.iso(), elementInstanceKey: `${at}1`, jobKey: `${at}2` };
      const job = { key: `${at}2`, type: 'st-tidy', state: 'failed', retries: 0 };
      const active = [{ elementId, elementType: 'serviceTask', elementInstanceKey: `${at}1`, name: `Do ${elementId}`, scopeKey: at, startedAt: this.iso(), job, waits: [] }];
      Object.assign(model, { active: model.active + 1, stuck: model.stuck + 1 });
      this.instances.unshift({ key: at, processId: model.processId, version: model.version, state: 'active', hasIncident: true, startedAt: this.iso(), variables: body.variables ?? {}, active, modelKey: model.key, incidents: [incident] });
      return { status: 201, body: this.instances[0] };
    }
    if (place === 'instances' && !key) return list(this.instances);
    const instance = this.instances.find((each) => each.key === key);
    if (place === 'instances' && !instance) return fail(404, 'processes.not-found');
    if (part === 'elements') {
      const record = (elementInstanceKey, elementId, elementType, state) => ({ elementInstanceKey, elementId, elementType, state, startedAt: instance.startedAt, ...(state === 'completed' ? { endedAt: instance.startedAt } : {}) });
      const [token] = instance.active;
      return list([record(token.elementInstanceKey, token.elementId, 'serviceTask', 'active'), record(`${key}0`, 'start', 'startEvent', 'completed'), record(key, instance.processId, 'process', 'active')]);
    }
    if (part === 'element-counts') {
      const [token] = instance.active;
      const count = (elementId, completed, active) => ({ elementId, completed, terminated: 0, active });
      return { status: 200, body: { items: [count(instance.processId, 0, 1), count('start', 1, 0), count(token.elementId, 0, 1)], onlyNewest: false } };
    }
    if (place === 'instances' && method === 'GET') return { status: 200, body: instance };
    if (place === 'migrations') return list(body.instanceKeys.map((instanceKey) => ({ instanceKey, migrated: false, reason: `Expected to migrate process instance '${instanceKey}' but no mapping instruction is defined for an active element` })));
    if (part === 'modify' && body.begin.length === 0) return fail(422, 'processes.impossible');
    return { status: 204 };
  }

  addDecisions(resourceName, xml) {
    const named = (element) => [...xml.matchAll(new RegExp(`<${element} id="([^"]+)" name="([^"]+)"`, 'g'))].map(([, id, name]) => ({ id, name }));
    const [requirements] = named('definitions');
    const versionOf = (id) => this.decisions.filter((decision) => decision.decisionId === id).length + 1;
    const file = named('decision').map(({ id, name }, at) => ({ key: String(9000 + this.decisions.length + at), decisionId: id, name, version: versionOf(id) }));
    for (const decision of this.decisions) if (file.some((each) => each.decisionId === decision.decisionId)) decision.newest = false;
    this.decisions.unshift(...file.map((each) => ({ ...each, resourceName, newest: true, requirementsId: requirements.id, requirementsName: requirements.name, requirementsVersion: each.version, xml, file })).reverse());
  }

  socketOpened(socket, cookie, after) {
    const session = this.sessions.get(cookie);
    if (!session) {
      socket.close(4001);
      return;
    }
    Object.assign(socket, { userId: session.userId, cookie });
    const log = this.logs.get(session.userId);
    this.sockets.add(socket);
    this.send(socket, { type: 'welcome', data: { seq: log.length, sessionId: session.id, pingSeconds: this.pingSeconds } });
    if (after !== null) for (const envelope of log.slice(after)) this.send(socket, envelope);
    this.presenceChanged(session.userId);
    socket.on('close', () => {
      this.sockets.delete(socket);
      this.presenceChanged(session.userId);
    });
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      const user = this.users.get(session.userId);
      if (message.type === 'ping') this.send(socket, { type: 'ack', corrId: message.id, data: {} });
      if (message.type === 'read') this.read(user, message.data.channelId, message.data.postId);
      if (message.type === 'typing') {
        const members = this.channels.get(message.data.channelId)?.members.map((member) => member.userId) ?? [];
        this.signal(members.filter((id) => id !== user.id), 'typing', { channelId: message.data.channelId, userId: user.id });
      }
    });
  }
}

const cookieOf = (request) => /(?:^|;\s*)session=([0-9a-f]+)/.exec(request.headers.cookie ?? '')?.[1];

/** Starts the stand-in; `port` 0 takes a free one. */
export async function startMock({ port = 0, root = fileURLToPath(new URL('../dist/', import.meta.url)), ...options } = {}) {
  const mock = new Mock(options);
  const server = createServer((request, response) => {
    // No network at all, as far as the page can tell.
    if (mock.down) {
      request.socket.destroy();
      return;
    }
    void answer(mock, root, request, response).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  });
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'consilium.v1' });
  server.on('upgrade', (request, socket, head) => {
    if (mock.down) {
      socket.destroy();
      return;
    }
    if (mock.refuseSockets || !mock.sessions.has(cookieOf(request))) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
      return;
    }
    const after = new URL(request.url, 'http://mock').searchParams.get('after');
    sockets.handleUpgrade(request, socket, head, (open) => mock.socketOpened(open, cookieOf(request), after === null ? null : Number(after)));
  });
  await new Promise((done) => server.listen(port, '127.0.0.1', () => done(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    mock,
    url: `http://127.0.0.1:${address.port}`,
    stop: () => new Promise((done) => {
      for (const socket of mock.sockets) socket.terminate();
      server.closeAllConnections();
      server.close(() => done(undefined));
    }),
  };
}

async function answer(mock, root, request, response) {
  const url = new URL(request.url, 'http://mock');
  if (!url.pathname.startsWith('/api/v1/')) return file(root, url.pathname, response);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  if (mock.delay) await new Promise((done) => setTimeout(done, mock.delay));
  const reply = await mock.call(request.method, url.pathname.slice('/api/v1'.length), url.searchParams, request.headers, text ? JSON.parse(text) : {}, cookieOf(request));
  const headers = { ...securityHeaders, 'Cache-Control': 'no-store' };
  if (reply.cookie !== undefined) headers['Set-Cookie'] = reply.cookie ? `session=${reply.cookie}; HttpOnly; SameSite=Strict; Path=/` : 'session=; Max-Age=0; Path=/';
  if (reply.body !== undefined) headers['Content-Type'] = reply.status >= 400 ? 'application/problem+json' : 'application/json';
  response.writeHead(reply.status, headers).end(reply.body === undefined ? undefined : JSON.stringify(reply.body));
}

async function file(root, path, response) {
  const name = normalize(path).replace(/^([./\\])+/, '');
  const found = extname(name) ? await readFile(join(root, name)).catch(() => null) : await readFile(join(root, 'index.html'));
  if (!found) return response.writeHead(404, securityHeaders).end();
  const type = mimeTypes[extname(name) || '.html'] ?? 'application/octet-stream';
  return response.writeHead(200, { ...securityHeaders, 'Content-Type': type, 'Cache-Control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache' }).end(found);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, otherwise) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise);
  const started = await startMock({ port: Number(option('--port', '8080')) });
  console.log(`${started.url}  (password of everybody: ${password})`);
}
