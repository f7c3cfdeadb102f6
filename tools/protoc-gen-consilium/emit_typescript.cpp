#include <algorithm>

#include "emit.h"
#include "names.h"
#include "public_api.h"
#include "text.h"

namespace consilium::generator {
namespace {

std::string element_type(const Field& field) {
  switch (field.type) {
    case Type::kVersion:
    case Type::kInteger:
    case Type::kReal: return "number";
    case Type::kBoolean: return "boolean";
    case Type::kJson: return "unknown";
    case Type::kEnum: return public_name(*field.enumeration);
    case Type::kMessage: return public_name(*field.message);
    default: return "string";
  }
}

std::string member_type(const Field& field) {
  if (field.shape == Shape::kList) return element_type(field) + "[]";
  if (field.shape == Shape::kMap) return "Record<string, " + element_type(field) + ">";
  return element_type(field);
}

// What a string holds, where its type does not tell.
std::string form_of(const Field& field) {
  switch (field.type) {
    case Type::kTimestamp: return "RFC 3339, UTC.";
    case Type::kDuration: return "ISO 8601 duration.";
    case Type::kDate: return "YYYY-MM-DD.";
    case Type::kKey: return "Digits.";
    case Type::kBytes: return "Base64.";
    default: return "";
  }
}

void emit_comment(Text& out, std::string comment, int indent) {
  if (comment.empty()) return;
  const std::string space(static_cast<std::size_t>(indent), ' ');
  const auto lines = split(replace_all(std::move(comment), "*/", "* /"), '\n');
  if (lines.size() == 1) {
    out.raw(space + "/** " + lines.front() + " */\n");
    return;
  }
  out.raw(space + "/**\n");
  for (const std::string& line : lines) out.raw(space + (line.empty() ? " *" : " * " + line) + "\n");
  out.raw(space + " */\n");
}

bool takes_merge_patch(const Message& message) {
  return std::any_of(message.fields.begin(), message.fields.end(), [](const Field& field) { return field.rules.cleared(); });
}

// A request's version goes into If-Match.
bool is_mandatory(const PublicApi& api, const Message& message, const Field& field) {
  return api.is_mandatory(message, field) || (field.type == Type::kVersion && field.shape == Shape::kPlain);
}

void emit_interface(Text& out, const PublicApi& api, const Message& message) {
  emit_comment(out, message.comment, 2);
  out.add("  export interface $name$ {\n", {{"name", message.name}});
  for (const Field& field : message.fields) {
    if (field.rules.cleared() || field.rules.edge()) continue;
    std::string comment = field.comment;
    if (const std::string form = form_of(field); !form.empty()) comment += (comment.empty() ? "" : " ") + form;
    emit_comment(out, comment, 4);
    const bool takes_null = field.nullable || (field.shape == Shape::kOptional && takes_merge_patch(message));
    out.add("    $name$$mark$: $type$$null$;\n", {{"name", field.json_name},
                                                  {"mark", is_mandatory(api, message, field) ? "" : "?"},
                                                  {"type", member_type(field)},
                                                  {"null", takes_null ? " | null" : ""}});
  }
  out.add("  }\n");
}

std::vector<std::string> texts_of(const Enum& enumeration) {
  std::vector<std::string> texts;
  for (const EnumValue& value : enumeration.values) {
    if (!enumeration.is_none(value)) texts.push_back("'" + value.text + "'");
  }
  return texts;
}

void emit_enum(Text& out, const Enum& enumeration) {
  emit_comment(out, enumeration.comment, 2);
  out.add("  export type $name$ = $values$;\n", {{"name", enumeration.name}, {"values", join(texts_of(enumeration), " | ")}});
}

// The messages of one side of the WebSocket as one type, told apart by `type`.
void emit_socket_messages(Text& out, std::string_view name, const std::vector<SocketMessage>& messages) {
  if (messages.empty()) return;
  out.raw("\nexport type " + std::string(name) + " =");
  for (const auto& [message, rules] : messages) {
    const bool by_server = rules->from() == options::SERVER;
    std::string envelope = by_server ? "at: string; corrId?: string; " : "id?: string; ";
    if (rules->durable()) envelope += "seq: number; ";
    out.raw("\n  | { type: '" + rules->type() + "'; " + envelope + "data: " + public_name(*message) + " }");
  }
  out.raw(";\n");
}

std::string method_name(const Call& call) { return lower_camel(snake_case(call.name)); }

// `/users/${segment(request.id)}`
std::string path_expression(const Call& call) {
  std::string path = call.route->path;
  for (const PathMember& member : call.route->members)
    path = replace_all(path, "{" + member.name + "}",
                       "${"
                       "segment(request." +
                           member.name + ")}");
  return call.route->members.empty() ? "'" + path + "'" : "`" + path + "`";
}

std::vector<std::string> payload(const Call& call) {
  std::vector<std::string> names;
  for (const Field& field : call.request->fields) {
    if (is_payload_member(call, field)) names.push_back("'" + field.json_name + "'");
  }
  return names;
}

const Field* version_field(const Message& message) {
  for (const Field& field : message.fields) {
    if (field.type == Type::kVersion) return &field;
  }
  return nullptr;
}

bool all_optional(const PublicApi& api, const Call& call) {
  return std::none_of(call.request->fields.begin(), call.request->fields.end(), [&](const Field& field) {
    return api.is_mandatory(*call.request, field) || field.type == Type::kVersion || call.route->is_path_member(field);
  });
}

void emit_call(Text& out, const PublicApi& api, const Service& service, const Call& call) {
  std::string comment = call.comment;
  comment +=
      (comment.empty() ? "" : "\n") + ("`" + call.route->method + " " + call.route->path + "`, permission `" + call.permission + "`.");
  std::vector<std::string> codes;
  for (const std::string& code : call.rules.errors()) codes.push_back("`" + service.short_name + "." + code + "`");
  if (!codes.empty()) comment += "\nErrors: " + join(codes, ", ") + ".";
  emit_comment(out, comment, 2);
  const std::string reply = call.route->success == 204 ? "void" : "types." + public_name(*call.reply);
  std::string request;
  if (!call.request->fields.empty())
    request = "request: types." + public_name(*call.request) + (all_optional(api, call) ? " = {}, " : ", ");
  const auto names = payload(call);
  std::string details = "method: '" + call.route->method + "', path: " + path_expression(call);
  if (!names.empty()) details += std::string(call.route->has_body ? ", body" : ", query") + ": pick(request, [" + join(names, ", ") + "])";
  if (names.empty() && call.route->has_body) details += ", body: {}";
  if (call.rules.creates()) details += ", creates: true";
  if (const Field* version = version_field(*call.request)) details += ", version: request." + version->json_name;
  out.add(R"(  $name$($request$options: CallOptions = {}): Promise<$reply$> {
    return this.#transport.call<$reply$>({ $details$ }, options);
  }

)",
          {{"name", method_name(call)}, {"request", request}, {"reply", reply}, {"details", details}});
}

void emit_service_client(Text& out, const PublicApi& api, const PublicService& service) {
  emit_comment(out, service.service->comment, 0);
  out.add(R"(export class $name$Client {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

)",
          {{"name", service.service->name}});
  for (const Call* call : service.calls) emit_call(out, api, *service.service, *call);
  out.raw("}\n\n");
}

// What every call shares; the same for all contracts.
constexpr std::string_view kTransport = R"(
export interface FieldProblem {
  /** Path of the member as it was sent: `client.phones[1]`. */
  name: string;
  /** `required`, `too-long`, `unknown-member` … */
  code: string;
  message: string;
}

/** The body of every error answer (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  /** Stable: branch on it. */
  code: string;
  requestId: string;
  detail?: string;
  fields?: FieldProblem[];
  /** Seconds. */
  retryAfter?: number;
}

/** An answer other than success. Status 0 and code `network.unreachable`: there was no answer. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: { cause?: unknown }) {
    super(`${problem.code}: ${problem.title}`, options);
    this.name = 'ApiError';
    this.problem = problem;
  }

  get code(): string {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }

  /** What is wrong with a member of the request. */
  field(name: string): FieldProblem | undefined {
    return this.problem.fields?.find((field) => field.name === name);
  }
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Of a creating call; made anew when absent. Give the same one to repeat a call whose answer was lost. */
  idempotencyKey?: string | undefined;
  headers?: Record<string, string> | undefined;
}

export interface ClientOptions {
  /** `/api/v1` by default. */
  baseUrl?: string | undefined;
  fetch?: typeof fetch | undefined;
  /** Sent as Accept-Language. */
  language?: (() => string | undefined) | undefined;
  /** For programs; browsers use the cookie. */
  accessToken?: (() => string | undefined) | undefined;
  /** Called for every 401 before the call fails. */
  onUnauthenticated?: ((error: ApiError) => void) | undefined;
}

interface RequestDetails {
  method: string;
  path: string;
  query?: Record<string, unknown>;
  body?: unknown;
  creates?: boolean;
  version?: number | undefined;
}

function segment(value: string | number): string {
  return encodeURIComponent(String(value));
}

function pick(source: object, names: readonly string[]): Record<string, unknown> {
  const members = source as Record<string, unknown>;
  const picked: Record<string, unknown> = {};
  for (const name of names) {
    if (members[name] !== undefined) picked[name] = members[name];
  }
  return picked;
}

function queryText(query: Record<string, unknown> | undefined): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const item of Array.isArray(value) ? value : [value]) parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(item))}`);
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** 128 random bits; works on pages without TLS, too. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = {
    type: 'about:blank',
    title: response.statusText,
    status: response.status,
    code: `http.${response.status}`,
    requestId: response.headers.get('X-Request-Id') ?? '',
  };
  try {
    const body: unknown = await response.json();
    if (typeof body === 'object' && body !== null && 'code' in body) return { ...fallback, ...(body as Partial<Problem>) };
  } catch {
    // Not JSON: a proxy answered.
  }
  return fallback;
}

class Transport {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async call<Reply>(details: RequestDetails, options: CallOptions): Promise<Reply> {
    const response = await this.#send(details, options);
    if (!response.ok) {
      const error = new ApiError(await problemOf(response));
      if (error.status === 401) this.#options.onUnauthenticated?.(error);
      throw error;
    }
    if (response.status === 204) return undefined as Reply;
    return (await response.json()) as Reply;
  }

  async #send(details: RequestDetails, options: CallOptions): Promise<Response> {
    const send = this.#options.fetch ?? fetch;
    const address = (this.#options.baseUrl ?? '/api/v1') + details.path + queryText(details.query);
    const init: RequestInit = { method: details.method, headers: this.#headers(details, options), credentials: 'same-origin' };
    if (details.body !== undefined) init.body = JSON.stringify(details.body);
    if (options.signal) init.signal = options.signal;
    try {
      return await send(address, init);
    } catch (cause) {
      if (options.signal?.aborted) throw cause;
      throw new ApiError({ type: 'about:blank', title: 'No answer', status: 0, code: 'network.unreachable', requestId: '' }, { cause });
    }
  }

  #headers(details: RequestDetails, options: CallOptions): Record<string, string> {
    const headers: Record<string, string> = { Accept: 'application/json', ...options.headers };
    if (details.method !== 'GET') headers['Content-Type'] = 'application/json';
    if (details.creates) headers['Idempotency-Key'] = options.idempotencyKey ?? newIdempotencyKey();
    if (details.version !== undefined) headers['If-Match'] = `"${details.version}"`;
    const language = this.#options.language?.();
    if (language) headers['Accept-Language'] = language;
    const token = this.#options.accessToken?.();
    if (token) headers['Authorization'] = `Bearer ${token}`;
    return headers;
  }
}

)";

}  // namespace

std::string emit_typescript_types(const Contract& contract) {
  const PublicApi api = public_api(contract);
  Text out;
  out.raw("// Generated by protoc-gen-consilium from the contracts: change those instead.\n/* eslint-disable */\n");
  for (const PublicPackage& package : api.packages) {
    out.add("\n").raw("export namespace " + package.name + " {\n");
    for (const Enum* enumeration : package.enums) emit_enum(out, *enumeration);
    for (const Message* message : package.messages) emit_interface(out, api, *message);
    out.raw("}\n");
  }
  emit_socket_messages(out, "ServerMessage", api.server_messages);
  emit_socket_messages(out, "ClientMessage", api.client_messages);
  out.raw("\n/** The values of each enum, in the order of the contract. */\nexport const enumValues = {\n");
  for (const PublicPackage& package : api.packages) {
    if (package.enums.empty()) continue;
    out.raw("  " + package.name + ": {\n");
    for (const Enum* enumeration : package.enums) out.raw("    " + enumeration->name + ": [" + join(texts_of(*enumeration), ", ") + "],\n");
    out.raw("  },\n");
  }
  out.raw("} as const;\n");
  return out.take();
}

std::string emit_typescript_client(const Contract& contract) {
  const PublicApi api = public_api(contract);
  Text out;
  out.raw("// Generated by protoc-gen-consilium from the contracts: change those instead.\n/* eslint-disable */\n");
  out.raw("import type * as types from './types';\n").raw(kTransport);
  for (const PublicService& service : api.services) emit_service_client(out, api, service);
  out.raw("/** All calls of the public API. A call that does not succeed throws an ApiError. */\nexport class ConsiliumClient {\n");
  for (const PublicService& service : api.services)
    out.raw("  readonly " + service.service->short_name + ": " + service.service->name + "Client;\n");
  out.raw("\n  constructor(options: ClientOptions = {}) {\n    const transport = new Transport(options);\n");
  for (const PublicService& service : api.services)
    out.raw("    this." + service.service->short_name + " = new " + service.service->name + "Client(transport);\n");
  out.raw("  }\n}\n");
  return out.take();
}

}  // namespace consilium::generator
