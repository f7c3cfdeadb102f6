#include "emit.h"
#include "names.h"
#include "public_api.h"
#include "text.h"

namespace consilium::generator {
namespace {

// Members that a request of the public API may not carry in body or query: they come from the path or a header.
std::vector<std::string> reserved_names(const Call& call) {
  std::vector<std::string> names;
  for (const Field& field : call.request->fields) {
    if (!is_payload_member(call, field)) names.push_back(quoted(field.json_name));
  }
  return names;
}

std::string array_of(const std::vector<std::string>& names) {
  return "static constexpr std::array<std::string_view, " + std::to_string(names.size()) + "> ";
}

void emit_query(Text& out, const Call& call) {
  std::vector<std::string> names;
  for (const Field& field : call.request->fields) {
    if (!is_payload_member(call, field)) continue;
    names.push_back(quoted(field.json_name));
    out.add("  binding.query($json$, message.$name$);\n", {{"json", names.back()}, {"name", field.name}});
  }
  out.add("  $array$kQuery{$names$};\n  binding.only_query(kQuery);\n  binding.no_body();\n",
          {{"array", array_of(names)}, {"names", join(names, ", ")}});
}

void emit_body(Text& out, const Call& call) {
  const auto reserved = reserved_names(call);
  out.add("  $array$kReserved{$names$};\n  binding.body(message, kReserved);\n  binding.only_query({});\n",
          {{"array", array_of(reserved)}, {"names", join(reserved, ", ")}});
}

void emit_version(Text& out, const Call& call) {
  for (const Field& field : call.request->fields) {
    if (field.type != Type::kVersion || call.route->is_path_member(field)) continue;
    if (call.rules.needs_version()) {
      out.add("  ASSIGN_OR_RETURN(message.$name$, net::required_version(context));\n", {{"name", field.name}});
    } else {
      out.add("  if (context.expected_version) message.$name$ = *context.expected_version;\n", {{"name", field.name}});
    }
  }
}

void emit_read(Text& out, const File& file, const Call& call) {
  out.add(R"(
Result<$request$> read_$function$([[maybe_unused]] const runtime::Context& context, const net::RouteRequest& request) {
  $request$ message;
  net::RouteBinding binding(request);
)",
          {{"request", call.request->qualified(file.space)}, {"function", call.function}});
  if (call.route->has_body) {
    emit_body(out, call);
  } else {
    emit_query(out, call);
  }
  for (const PathMember& member : call.route->members)
    out.add("  binding.path($json$, message.$name$);\n", {{"json", quoted(member.name)}, {"name", member.field->name}});
  out.add("  TRY(binding.finish());\n");
  emit_version(out, call);
  out.add("  return message;\n}\n");
}

// `/users/{id}` -> "/users/" + encode_segment(to_text(reply.id))
std::string location_expression(const Call& call) {
  std::vector<std::string> parts;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) parts.push_back(quoted(literal));
    literal.clear();
  };
  std::string_view rest = call.route->location;
  while (!rest.empty()) {
    const auto open = rest.find('{');
    literal += rest.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = rest.find('}', open);
    flush();
    parts.push_back("encode_segment(to_text(reply." + call.reply->find(rest.substr(open + 1, close - open - 1))->name + "))");
    rest.remove_prefix(close + 1);
  }
  flush();
  return join(parts, " + ");
}

// What only the gateway may see is taken out.
void emit_body_of_reply(Text& out, const Call& call) {
  if (call.route->success == 204) return;
  Text resets;
  for (const Field& field : call.reply->fields) {
    if (field.rules.edge()) resets.add("  shown.$name$ = {};\n", {{"name", field.name}});
  }
  const std::string taken_out = resets.take();
  if (taken_out.empty()) {
    out.add("  answer.body = encode_json(reply);\n");
  } else {
    out.add("  auto shown = reply;\n").raw(taken_out).add("  answer.body = encode_json(shown);\n");
  }
}

void emit_write(Text& out, const File& file, const Call& call) {
  out.add(R"(
net::RouteReply write_$function$([[maybe_unused]] const $reply$& reply) {
  net::RouteReply answer;
  answer.status = $status$;
)",
          {{"reply", call.reply->qualified(file.space)}, {"function", call.function}, {"status", std::to_string(call.route->success)}});
  emit_body_of_reply(out, call);
  if (!call.route->location.empty()) out.add("  answer.location = $value$;\n", {{"value", location_expression(call)}});
  for (const Field& field : call.reply->fields) {
    if (field.type == Type::kVersion && field.shape == Shape::kPlain) out.add("  answer.version = reply.$name$;\n", {{"name", field.name}});
  }
  out.add("  return answer;\n}\n");
}

std::string truth(bool value) { return value ? "true" : "false"; }

void emit_route(Text& out, const Service& service, const Call& call) {
  out.add(R"(  routes.push_back({.service = $service$,
                    .call = $call$,
                    .method = $method$,
                    .path = $path$,
                    .permission = $permission$,
                    .condition = $condition$,
                    .creates = $creates$,
                    .needs_version = $version$,
                    .handle = [&service](runtime::Context& context, net::RouteRequest request) {
                      return net::run_route(service, &$name$::$function$, read_$function$, write_$function$, context, std::move(request));
                    }});
)",
          {{"service", quoted(service.short_name)},
           {"call", quoted(call.name)},
           {"method", quoted(call.route->method)},
           {"path", quoted(call.route->path)},
           {"permission", quoted(call.permission)},
           {"condition", quoted(call.rules.condition().empty() ? "none" : call.rules.condition())},
           {"creates", truth(call.rules.creates())},
           {"version", truth(call.rules.needs_version())},
           {"name", service.name},
           {"function", call.function}});
}

}  // namespace

std::string emit_routes_header(const File& file) {
  Text out;
  out.raw(banner(file));
  out.add(R"(#pragma once

#include <vector>

#include "$path$_service.h"
#include "net/route.h"

namespace $space$ {

// The routes of `service`, which outlives them and is a `Local$name$` or `Remote$name$`, so that requests are checked.
std::vector<net::Route> routes($name$& service);

}  // namespace $space$
)",
          {{"path", file.path}, {"space", file.space}, {"name", file.service()->name}});
  return out.take();
}

std::string emit_routes_source(const File& file) {
  const Service& service = *file.service();
  Text out;
  out.raw(banner(file));
  out.add(R"(#include "$path$_routes.h"

#include <array>
#include <utility>

#include "$path$_codec.h"
#include "net/route_binding.h"

namespace $space$ {
namespace {
)",
          {{"path", file.path}, {"space", file.space}});
  for (const Call& call : service.calls) {
    if (!call.route) continue;
    emit_read(out, file, call);
    emit_write(out, file, call);
  }
  out.add("\n}  // namespace\n\nstd::vector<net::Route> routes([[maybe_unused]] $name$& service) {\n  std::vector<net::Route> routes;\n",
          {{"name", service.name}});
  for (const Call& call : service.calls) {
    if (call.route) emit_route(out, service, call);
  }
  out.add("  return routes;\n}\n\n}  // namespace $space$\n", {{"space", file.space}});
  return out.take();
}

}  // namespace consilium::generator
