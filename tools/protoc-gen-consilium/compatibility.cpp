#include "compatibility.h"

#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <map>
#include <set>

namespace consilium::generator {
namespace {

template <class Item>
std::map<std::string, const Item*> by_full_name(const Contract& contract, const std::vector<std::unique_ptr<Item>> File::* items) {
  std::map<std::string, const Item*> found;
  for (const auto& file : contract.files) {
    for (const auto& item : (*file).*items) found[item->descriptor->full_name()] = item.get();
  }
  return found;
}

// How the field looks in C++, JSON and on the wire, in words that are compared and shown.
std::string form_of(const Field& field) {
  static constexpr const char* kShapes[] = {"", "optional ", "list of ", "map of "};
  std::string form = kShapes[static_cast<int>(field.shape)] + field.element_type("") + " (" + field.wire_kind();
  if (field.type == Type::kKey) form += ", key";
  return form + ")";
}

class Comparison {
 public:
  std::vector<std::string> run(const Contract& released, const Contract& current) {
    collect_requests(current);
    const auto messages = by_full_name(current, &File::messages);
    for (const auto& [name, message] : by_full_name(released, &File::messages)) compare(name, *message, messages);
    const auto enums = by_full_name(current, &File::enums);
    for (const auto& [name, enumeration] : by_full_name(released, &File::enums)) compare(name, *enumeration, enums);
    const auto services = by_full_name(current, &File::services);
    for (const auto& [name, service] : by_full_name(released, &File::services)) compare(name, *service, services);
    return std::move(found_);
  }

 private:
  void say(std::string text) { found_.push_back(std::move(text)); }

  void collect_requests(const Contract& contract) {
    for (const auto& file : contract.files) {
      for (const auto& service : file->services) {
        for (const Call& call : service->calls) {
          if (call.request != nullptr) reach(*call.request);
        }
      }
    }
  }
  void reach(const Message& message) {
    if (!requests_.insert(message.descriptor->full_name()).second) return;
    for (const Field& field : message.fields) {
      if (field.message != nullptr) reach(*field.message);
    }
  }

  void compare(const std::string& name, const Message& before, const std::map<std::string, const Message*>& all) {
    const auto found = all.find(name);
    if (found == all.end()) return say("message " + name + " was removed");
    const Message& after = *found->second;
    for (const Field& field : before.fields) compare_field(name, field, after);
    for (const Field& field : after.fields) {
      const bool is_new = before.find(field.descriptor->name()) == nullptr;
      if (is_new && field.required() && requests_.contains(name))
        say("field " + name + "." + field.descriptor->name() + " is new and required");
    }
    compare_event(name, before, after);
  }

  void compare_field(const std::string& message, const Field& before, const Message& message_after) {
    const std::string name = "field " + message + "." + before.descriptor->name();
    const Field* after = message_after.find(before.descriptor->name());
    if (after == nullptr) return say(name + " was removed");
    if (after->number != before.number)
      say(name + " was renumbered from " + std::to_string(before.number) + " to " + std::to_string(after->number));
    if (form_of(*after) != form_of(before)) say(name + " was retyped from " + form_of(before) + " to " + form_of(*after));
    if (!requests_.contains(message)) return;
    if (after->required() && !before.required()) say(name + " became required");
    const auto narrowed = [](std::uint64_t old_bound, std::uint64_t new_bound) {
      return new_bound != 0 && (old_bound == 0 || new_bound < old_bound);
    };
    if (narrowed(before.rules.max_length(), after->rules.max_length())) say(name + ": max_length became smaller");
    if (narrowed(before.rules.max_items(), after->rules.max_items())) say(name + ": max_items became smaller");
    if (after->rules.min_length() > before.rules.min_length()) say(name + ": min_length became larger");
    if (after->rules.min_items() > before.rules.min_items()) say(name + ": min_items became larger");
    if (after->rules.has_max() && (!before.rules.has_max() || after->rules.max() < before.rules.max())) say(name + ": max became smaller");
    if (after->rules.has_min() && (!before.rules.has_min() || after->rules.min() > before.rules.min())) say(name + ": min became larger");
  }

  void compare_event(const std::string& name, const Message& before, const Message& after) {
    if (!before.event) return;
    if (!after.event || after.event->topic != before.event->topic)
      return say("topic " + before.event->topic + " (" + name + ") was removed");
    const auto key_of = [](const Message& message) {
      return message.event->key == nullptr ? std::string() : message.event->key->descriptor->name();
    };
    if (key_of(after) != key_of(before)) say("topic " + before.event->topic + ": its key was changed");
  }

  void compare(const std::string& name, const Enum& before, const std::map<std::string, const Enum*>& all) {
    const auto found = all.find(name);
    if (found == all.end()) return say("enum " + name + " was removed");
    for (const EnumValue& value : before.values) {
      const auto& values = found->second->values;
      const auto after = std::find_if(values.begin(), values.end(), [&](const EnumValue& other) { return other.number == value.number; });
      if (after == values.end()) {
        say("enum " + name + ": the value " + value.text + " was removed or renumbered");
      } else if (after->text != value.text) {
        say("enum " + name + ": the value " + value.text + " became " + after->text);
      }
    }
  }

  void compare(const std::string& name, const Service& before, const std::map<std::string, const Service*>& all) {
    const auto found = all.find(name);
    if (found == all.end()) return say("service " + name + " was removed");
    const Service& after = *found->second;
    for (const ErrorCode& error : before.errors) {
      const auto same =
          std::find_if(after.errors.begin(), after.errors.end(), [&](const ErrorCode& other) { return other.code == error.code; });
      if (same == after.errors.end()) {
        say("error " + error.code + " was removed");
      } else if (same->rule_kind != error.rule_kind) {
        say("error " + error.code + ": its kind was changed");
      }
    }
    for (const Call& call : before.calls) {
      const auto same = std::find_if(after.calls.begin(), after.calls.end(), [&](const Call& other) { return other.name == call.name; });
      if (same == after.calls.end()) {
        say("call " + name + "." + call.name + " was removed");
      } else {
        compare_call(name + "." + call.name, call, *same);
      }
    }
  }

  void compare_call(const std::string& name, const Call& before, const Call& after) {
    const auto type_of = [](const Message* message) { return message == nullptr ? std::string() : message->descriptor->full_name(); };
    if (type_of(before.request) != type_of(after.request)) say("call " + name + ": its request was retyped");
    if (type_of(before.reply) != type_of(after.reply)) say("call " + name + ": its reply was retyped");
    if (!before.route) return;
    const std::string route = before.route->method + " " + before.route->path;
    if (!after.route || after.route->method + " " + after.route->path != route)
      return say("route " + route + " (" + name + ") was removed");
    if (after.route->success != before.route->success) say("route " + route + ": its success status was changed");
    if (after.permission != before.permission) say("route " + route + ": its permission was changed");
    if (after.rules.needs_version() && !before.rules.needs_version()) say("route " + route + ": If-Match became mandatory");
  }

  std::set<std::string> requests_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> breaking_changes(const Contract& released, const Contract& current) { return Comparison().run(released, current); }

ReleasedContract read_released(const std::string& bytes, std::string& error) {
  ReleasedContract out;
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromString(bytes)) {
    error = "not a descriptor set";
    return out;
  }
  out.pool = std::make_unique<google::protobuf::DescriptorPool>();
  std::vector<const google::protobuf::FileDescriptor*> files;
  for (const auto& proto : set.file()) {
    const auto* file = out.pool->BuildFile(proto);
    if (file == nullptr) {
      error = "cannot build " + proto.name() + ": was the set made with --include_imports?";
      return out;
    }
    const bool is_ours = file->package().starts_with("consilium.") && file->package() != "consilium.options.v1";
    if (is_ours) files.push_back(file);
  }
  out.contract = read_contract(files);
  return out;
}

}  // namespace consilium::generator
