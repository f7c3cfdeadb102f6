#include "emit.h"
#include "names.h"
#include "text.h"

namespace consilium::generator {
namespace {

// What an implementer and a caller must know of a call.
std::string describe(const Service& service, const Call& call) {
  std::string text = call.comment;
  const auto line = [&text](const std::string& added) { text += (text.empty() ? "" : "\n") + added; };
  if (call.route) line("`" + call.route->method + " " + call.route->path + "`");
  std::string access = "Permission `" + call.permission + "`";
  if (!call.rules.condition().empty()) access += "; the implementation checks: " + call.rules.condition();
  line(access + ".");
  std::vector<std::string> errors;
  for (const std::string& code : call.rules.errors()) errors.push_back("`" + service.short_name + "." + code + "`");
  if (!errors.empty()) line("Errors: " + join(errors, ", ") + ".");
  return text;
}

void emit_calls(Text& out, const File& file, std::string_view ending) {
  for (const Call& call : file.service()->calls) {
    out.add("  ::consilium::Task<Result<$reply$>> $function$(runtime::Context& context, $request$ request) override$ending$\n",
            {{"reply", call.reply->qualified(file.space)},
             {"function", call.function},
             {"request", call.request->qualified(file.space)},
             {"ending", std::string(ending)}});
  }
}

}  // namespace

std::string emit_service_header(const File& file) {
  const Service& service = *file.service();
  Text out;
  out.raw(banner(file));
  out.add(R"(#pragma once

#include "base/result.h"
#include "base/task.h"
#include "$path$.h"
#include "runtime/context.h"

namespace $space$ {

)",
          {{"path", file.path}, {"space", file.space}});
  out.comment(service.comment);
  out.add(R"(// The implementation gets requests that keep the rules of the contract: callers come through `Local$name$`.
class $name$ {
 public:
  virtual ~$name$() = default;
)",
          {{"name", service.name}});
  for (const Call& call : service.calls) {
    out.add("\n").comment(describe(service, call), 2);
    out.add("  virtual ::consilium::Task<Result<$reply$>> $function$(runtime::Context& context, $request$ request) = 0;\n",
            {{"reply", call.reply->qualified(file.space)}, {"function", call.function}, {"request", call.request->qualified(file.space)}});
  }
  out.add("};\n\n}  // namespace $space$\n", {{"space", file.space}});
  return out.take();
}

std::string emit_local_header(const File& file) {
  const Service& service = *file.service();
  Text out;
  out.raw(banner(file));
  out.add(R"(#pragma once

#include <utility>

#include "$path$_service.h"
#include "runtime/observed_call.h"

namespace $space$ {

// The door to an implementation in the same process: checks deadline and request, then calls, then tells the observer.
class Local$name$ final : public $name$ {
 public:
  // Both outlive it.
  Local$name$($name$& implementation, runtime::CallObserver& observer) : implementation_(implementation), observer_(observer) {}

)",
          {{"path", file.path}, {"space", file.space}, {"name", service.name}});
  for (const Call& call : service.calls) {
    out.add(R"(  ::consilium::Task<Result<$reply$>> $function$(runtime::Context& context, $request$ request) override {
    return runtime::observed_call(implementation_, &$name$::$function$, observer_, {$service$, $call$}, context, std::move(request));
  }
)",
            {{"reply", call.reply->qualified(file.space)},
             {"function", call.function},
             {"request", call.request->qualified(file.space)},
             {"name", service.name},
             {"service", quoted(service.short_name)},
             {"call", quoted(call.name)}});
  }
  out.add(R"(
 private:
  $name$& implementation_;
  runtime::CallObserver& observer_;
};

}  // namespace $space$
)",
          {{"name", service.name}, {"space", file.space}});
  return out.take();
}

std::string emit_rpc_header(const File& file) {
  const Service& service = *file.service();
  Text out;
  out.raw(banner(file));
  out.add(R"(#pragma once

#include <vector>

#include "$path$_service.h"
#include "net/rpc.h"

namespace $space$ {

// The door to an implementation in another process.
class Remote$name$ final : public $name$ {
 public:
  // `channel` outlives it.
  explicit Remote$name$(net::RpcChannel& channel) : channel_(channel) {}

)",
          {{"path", file.path}, {"space", file.space}, {"name", service.name}});
  emit_calls(out, file, ";");
  out.add(R"(
 private:
  net::RpcChannel& channel_;
};

// The calls of `service`, for a server. It outlives them, and is a `Local$name$`, so that requests are checked.
std::vector<net::RpcMethod> rpc_methods($name$& service);

}  // namespace $space$
)",
          {{"name", service.name}, {"space", file.space}});
  return out.take();
}

std::string emit_rpc_source(const File& file) {
  const Service& service = *file.service();
  Text out;
  out.raw(banner(file));
  out.add("#include \"$path$_rpc.h\"\n\n#include <utility>\n\n#include \"net/rpc_binding.h\"\n\nnamespace $space$ {\n",
          {{"path", file.path}, {"space", file.space}});
  for (const Call& call : service.calls) {
    out.add(R"(
::consilium::Task<Result<$reply$>> Remote$name$::$function$(runtime::Context& context, $request$ request) {
  return net::call_remote<$request$, $reply$>(channel_, $rpc$, context, std::move(request));
}
)",
            {{"reply", call.reply->qualified(file.space)},
             {"function", call.function},
             {"request", call.request->qualified(file.space)},
             {"name", service.name},
             {"rpc", quoted(call.rpc_name)}});
  }
  out.add("\nstd::vector<net::RpcMethod> rpc_methods($name$& service) {\n  std::vector<net::RpcMethod> methods;\n",
          {{"name", service.name}});
  for (const Call& call : service.calls) {
    out.add(R"(  methods.push_back({$rpc$, [&service](runtime::Context& context, std::string bytes) {
                       return net::serve_remote(service, &$name$::$function$, context, std::move(bytes));
                     }});
)",
            {{"rpc", quoted(call.rpc_name)}, {"name", service.name}, {"function", call.function}});
  }
  out.add("  return methods;\n}\n\n}  // namespace $space$\n", {{"space", file.space}});
  return out.take();
}

}  // namespace consilium::generator
