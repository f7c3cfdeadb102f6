#include "bpmn/feel/builtins.h"
#include "bpmn/feel/evaluator.h"

namespace consilium::bpmn::feel {
namespace {

// Follows the names; null when one of them is missing.
Value value_at(Call& call, const Value& owner, std::span<const Value> path) {
  Value at = owner;
  for (const Value& name : path) {
    if (!name.string()) return call.fail("a path is a list of texts");
    const Context* members = at.context();
    const auto found = members ? members->find(*name.string()) : Context::const_iterator();
    if (!members || found == members->end()) return {};
    at = Value(found->second);
  }
  return at;
}

Value get_value(Call& call) {
  if (!call[0].context()) return call.fail("expected a context first");
  if (call[1].list()) return call[1].list()->empty() ? Value() : value_at(call, call[0], *call[1].list());
  if (!call[1].string()) return call.fail("a key is a text");
  return value_at(call, call[0], call.arguments().subspan(1, 1));
}

Value get_entries(Call& call) {
  const Context* members = call[0].context();
  if (!members) return call.fail("expected a context");
  List entries;
  if (!call.machine().spend(static_cast<std::int64_t>(members->size()))) return {};
  for (const auto& [key, value] : *members) entries.emplace_back(Context{{"key", key}, {"value", value}});
  return entries;
}

Value make_context(Call& call) {
  const List single{call[0]};
  if (call[0].is_null()) return call.fail("expected a list of entries");
  Context made;
  for (const Value& entry : call[0].list() ? *call[0].list() : single) {
    if (!call.machine().spend(1)) return {};
    const Context* members = entry.context();
    const auto key = members ? members->find("key") : Context::const_iterator();
    if (!members || key == members->end() || !key->second.string()) return call.fail("an entry is a context of key and value");
    const auto value = members->find("value");
    if (value == members->end()) return call.fail("an entry is a context of key and value");
    if (!made.emplace(*key->second.string(), value->second).second) return call.fail("a key occurs twice");
  }
  return made;
}

// A copy with `value` at the end of the path; what is no context on the way becomes one.
std::optional<Value> with_value(Call& call, const Value& owner, std::span<const Value> path, const Value& value, bool top) {
  const Machine::Level level(call.machine());
  if (level.too_deep()) return std::nullopt;
  if (path.empty()) return value;
  if (!path.front().string() || (!owner.context() && (top || !owner.is_null()))) return std::nullopt;
  if (owner.context() && !call.machine().spend(static_cast<std::int64_t>(owner.context()->size()) / 4)) return std::nullopt;
  Context members = owner.context() ? *owner.context() : Context();
  Value& member = members[*path.front().string()];
  auto inner = with_value(call, member, path.subspan(1), value, false);
  if (!inner) return std::nullopt;
  member = std::move(*inner);
  return Value(std::move(members));
}

Value context_put(Call& call) {
  const bool is_path = call[1].list() != nullptr;
  if (call.names("key") && is_path) return call.fail("a key is a text");
  if (call.names("keys") && !is_path) return call.fail("keys are a list of texts");
  if (!call[0].context() || (!is_path && !call[1].string()) || (is_path && call[1].list()->empty()))
    return call.fail("expected a context, and a key or a list of keys that is not empty");
  const auto path = is_path ? std::span<const Value>(*call[1].list()) : call.arguments().subspan(1, 1);
  auto result = with_value(call, call[0], path, call[2], true);
  return result ? std::move(*result) : call.fail("a key is no text, or leads into a value that is no context");
}

Value context_merge(Call& call) {
  const bool is_list = call.size() == 1 && call[0].list();
  Context merged;
  for (const Value& part : is_list ? std::span<const Value>(*call[0].list()) : call.arguments()) {
    if (!part.context()) return call.fail("expected contexts only");
    if (!call.machine().spend(static_cast<std::int64_t>(part.context()->size()) / 4)) return {};
    for (const auto& [name, value] : *part.context()) merged.insert_or_assign(name, value);
  }
  return merged;
}

constexpr Builtin kTable[] = {{"get value", "m, key | context, key | context, keys", get_value, Reads::kOutside},
                              {"get entries", "m | context", get_entries, Reads::kOutside},
                              {"context", "entries", make_context},
                              {"context put", "context, key, value | context, keys, value", context_put},
                              {"put", "context, key, value", context_put},
                              {"context merge", "contexts | context...", context_merge},
                              {"put all", "contexts | context...", context_merge}};

}  // namespace

std::span<const Builtin> context_builtins() { return kTable; }

}  // namespace consilium::bpmn::feel
