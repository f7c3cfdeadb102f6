// The one place that knows the generated client: the pages call what is here and use these names of its types.
import { sessionPath, takeEarlySession } from './base/early';
import { ApiError, ConsiliumClient, newIdempotencyKey } from './generated/client';
import { enumValues } from './generated/types';
import type * as Contract from './generated/types';

export type Person = Contract.sessions.Person;
export type Session = Contract.sessions.Session;
export type User = Contract.users.User;
export type Channel = Contract.chat.Channel;
export type Member = Contract.chat.Member;
export type Post = Contract.chat.Post;
export type Action = Contract.chat.Action;
export type PresenceStatus = Contract.chat.PresenceStatus;
export type Task = Contract.tasks.Task;
export type Transition = Contract.tasks.Transition;
export type HistoryEntry = Contract.tasks.HistoryEntry;
export type AssignmentEntry = Contract.tasks.AssignmentEntry;
export type Group = Contract.users.Group;
export type Incident = Contract.processes.Incident;
export type Model = Contract.processes.Model;
export type ModelProblem = Contract.processes.ModelProblem;
export type Decision = Contract.processes.Decision;
export type ElementCount = Contract.processes.ElementCount;
export type Instance = Contract.processes.Instance;
export type ActiveElement = Contract.processes.ActiveElement;
export type UserTask = Contract.processes.UserTask;
export type ElementRecord = Contract.processes.ElementRecord;
export type MigrationOutcome = Contract.processes.MigrationOutcome;

// What the socket brings.
export type ServerMessage = Contract.ServerMessage;
export type Welcome = Contract.chat.Welcome;
export type Waiting = Contract.tasks.Waiting;

export const { Substatus: taskSubstatuses } = enumValues.tasks;
export const { InstanceState: instanceStates } = enumValues.processes;
export const { UserType: userTypes, UserStatus: userStatuses } = enumValues.users;
export { newIdempotencyKey };

export interface Problem {
  status: number;
  code: string;
  title: string;
  // What the server says of it in its own words, for those who look after it.
  detail?: string | undefined;
  requestId?: string | undefined;
  retryAfter?: number | undefined;
  fields: { name: string; code: string; message: string }[];
}

// `keepalive`: the call outlives the page, for what is sent as the page goes away.
export const createClient = (language: () => string, options: { keepalive?: boolean } = {}) =>
  new ConsiliumClient({
    language,
    fetch: (input, init) => {
      const early = input === sessionPath && init?.method === 'GET' ? takeEarlySession() : null;
      return early ?? fetch(input, options.keepalive ? { ...init, keepalive: true } : init);
    },
  });

export type Api = ReturnType<typeof createClient>;

// What the server said, or null when it could not be reached at all.
export function problemOf(error: unknown): Problem | null {
  if (!(error instanceof ApiError) || error.status === 0) return null;
  const { status, code, title, detail, requestId, retryAfter, fields = [] } = error.problem;
  return { status, code, title, detail, requestId, retryAfter, fields };
}
