#include "check.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/json_reader.h"
#include "names.h"
#include "public_api.h"

namespace consilium::generator {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::SourceLocation;

// Names of base/ that generated code uses without its namespace.
constexpr std::array<std::string_view, 17> kTaken{"Result",     "Error",      "ErrorEntry", "ErrorKind",      "Uuid",       "Timestamp",
                                                  "Duration",   "Date",       "JsonText",   "Secret",         "JsonReader", "JsonWriter",
                                                  "WireReader", "WireWriter", "Violations", "UnknownMembers", "Failure"};

bool is_kebab(std::string_view text) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.front() != '-' && text.back() != '-' && std::all_of(text.begin(), text.end(), good);
}

bool is_many(const Field& field) { return field.shape == Shape::kList || field.shape == Shape::kMap; }

class Checker {
 public:
  explicit Checker(const Contract& contract) : contract_(contract) {}

  std::vector<std::string> run() {
    for (const auto& file : contract_.files) check_file(*file);
    for (const auto& file : contract_.files) {
      for (const auto& service : file->services) check_service(*service);
    }
    return std::move(found_);
  }

 private:
  template <class Anything>
  void refuse(const Anything* descriptor, const std::string& reason) {
    SourceLocation location;
    const bool known = descriptor->GetSourceLocation(&location);
    const std::string line = known ? std::to_string(location.start_line + 1) : "?";
    found_.push_back(file_of(descriptor)->name() + ":" + line + ": " + reason);
  }
  template <class Anything>
  static const google::protobuf::FileDescriptor* file_of(const Anything* descriptor) {
    return descriptor->file();
  }
  static const google::protobuf::FileDescriptor* file_of(const google::protobuf::MethodDescriptor* method) {
    return method->service()->file();
  }

  void check_file(const File& file) {
    const auto parts = split(file.descriptor->package(), '.');
    const bool named = parts.size() == 3 && parts[0] == "consilium" && parts[2].size() >= 2 && parts[2][0] == 'v';
    if (!named) refuse_file(file, "expected the package consilium.<service>.v<number>, not " + file.descriptor->package());
    if (file.descriptor->syntax() != google::protobuf::FileDescriptor::SYNTAX_PROTO3) refuse_file(file, "expected syntax = \"proto3\"");
    if (file.services.size() > 1) refuse(file.services[1]->descriptor, "expected one service a file");
    for (const auto& enumeration : file.enums) check_enum(*enumeration);
    for (const auto& message : file.messages) check_message(*message);
  }
  void refuse_file(const File& file, const std::string& reason) { found_.push_back(file.path + ".proto:1: " + reason); }

  void check_enum(const Enum& enumeration) {
    if (!enumeration.is_none(enumeration.values.front()))
      refuse(enumeration.descriptor->value(0), "enum " + enumeration.name + ": expected " + upper_snake(enumeration.descriptor->name()) +
                                                   "_UNSPECIFIED as the value 0, which stands for none");
    std::set<std::string> texts;
    for (const EnumValue& value : enumeration.values) {
      if (!texts.insert(value.text).second)
        refuse(enumeration.descriptor, "enum " + enumeration.name + ": two values have the text " + value.text);
      if (!is_kebab(value.text)) refuse(enumeration.descriptor, "enum " + enumeration.name + ": expected kebab-case, not " + value.text);
    }
  }

  void check_message(const Message& message) {
    if (std::find(kTaken.begin(), kTaken.end(), message.name) != kTaken.end())
      refuse(message.descriptor, "message " + message.name + " has the name of a type of base/");
    if (message.fields.size() > kMaxMembers)
      refuse(message.descriptor, "message " + message.name + ": expected at most " + std::to_string(kMaxMembers) + " fields");
    std::set<std::string> names;
    for (const Field& field : message.fields) {
      if (!names.insert(field.json_name).second)
        refuse(field.descriptor, field_name(message, field) + ": another field has its JSON name " + field.json_name);
      check_field(message, field);
    }
    check_event(message);
    if (holds_itself(message, message, {}))
      refuse(message.descriptor, "message " + message.name + " holds itself; only a list or map of itself can end");
  }

  static std::string field_name(const Message& message, const Field& field) { return message.name + "." + field.descriptor->name(); }

  // By value, through messages that are there without a list or map between.
  static bool holds_itself(const Message& wanted, const Message& message, std::set<const Message*> seen) {
    if (!seen.insert(&message).second) return false;
    return std::any_of(message.fields.begin(), message.fields.end(), [&](const Field& field) {
      if (field.message == nullptr || is_many(field)) return false;
      return field.message == &wanted || holds_itself(wanted, *field.message, seen);
    });
  }

  void check_field(const Message& message, const Field& field) {
    const std::string name = field_name(message, field);
    const FieldDescriptor& descriptor = *field.descriptor;
    if (field.type == Type::kMessage && field.message == nullptr)
      refuse(&descriptor, name + ": expected a message of our contracts, not " + value_of(descriptor).message_type()->full_name() +
                              "; times are int64 with a format");
    if (field.type == Type::kEnum && field.enumeration == nullptr) refuse(&descriptor, name + ": expected an enum of our contracts");
    if (descriptor.is_map() && descriptor.message_type()->map_key()->type() != FieldDescriptor::TYPE_STRING)
      refuse(&descriptor, name + ": expected a map by string");
    check_format(name, field);
    check_bounds(name, field);
    if (field.rules.nullable() && field.shape != Shape::kOptional) refuse(&descriptor, name + ": only an optional field can be nullable");
    if (field.rules.edge() && field.shape != Shape::kOptional)
      refuse(&descriptor, name + ": only an optional field can be between gateway and service alone");
    if (field.rules.cleared() && (field.shape != Shape::kList || field.type != Type::kText))
      refuse(&descriptor, name + ": only a list of strings can take the cleared members");
  }

  static const FieldDescriptor& value_of(const FieldDescriptor& field) {
    return field.is_map() ? *field.message_type()->map_value() : field;
  }

  void check_format(const std::string& name, const Field& field) {
    using enum FieldDescriptor::Type;
    static const std::map<options::Format, std::vector<FieldDescriptor::Type>> hosts{
        {options::UUID, {TYPE_STRING}},   {options::TIMESTAMP, {TYPE_INT64}}, {options::DURATION, {TYPE_INT64}},
        {options::DATE, {TYPE_STRING}},   {options::JSON, {TYPE_STRING}},     {options::KEY, {TYPE_INT64}},
        {options::VERSION, {TYPE_INT64}}, {options::EMAIL, {TYPE_STRING}},    {options::PHONE, {TYPE_STRING}},
        {options::URL, {TYPE_STRING}},    {options::LANGUAGE, {TYPE_STRING}}, {options::NAME, {TYPE_STRING}}};
    const auto host = hosts.find(field.rules.format());
    if (host != hosts.end() && value_of(*field.descriptor).type() != host->second.front())
      refuse(field.descriptor, name + ": expected " + (host->second.front() == TYPE_STRING ? "string" : "int64") + " for the format " +
                                   options::Format_Name(field.rules.format()));
    if (field.rules.secret() && value_of(*field.descriptor).type() != TYPE_STRING)
      refuse(field.descriptor, name + ": only a string can be secret");
    if (field.rules.secret() && field.rules.format() != options::NONE) refuse(field.descriptor, name + ": a secret has no format");
    if (field.rules.not_future() && field.type != Type::kDate && field.type != Type::kTimestamp)
      refuse(field.descriptor, name + ": only dates and times can be not_future");
  }

  void check_bounds(const std::string& name, const Field& field) {
    const options::FieldRules& rules = field.rules;
    const bool is_text =
        field.type == Type::kText || field.type == Type::kSecret || field.type == Type::kJson || field.type == Type::kBytes;
    const bool is_number =
        field.type == Type::kInteger || field.type == Type::kReal || field.type == Type::kDuration || field.type == Type::kKey;
    const std::string& characters = rules.characters();
    if (!characters.empty() && (characters.size() < 3 || characters.front() != '[' || characters.back() != ']' || characters[1] == '^'))
      refuse(field.descriptor, name + ": expected a class as [a-z0-9-], not " + characters);
    if ((rules.min_length() > 0 || rules.max_length() > 0 || !characters.empty()) && !is_text)
      refuse(field.descriptor, name + ": only strings have lengths and characters");
    if (rules.max_length() > 0 && rules.min_length() > rules.max_length())
      refuse(field.descriptor, name + ": min_length is above max_length");
    if ((rules.has_min() || rules.has_max()) && !is_number) refuse(field.descriptor, name + ": only numbers have min and max");
    if (rules.has_min() && rules.has_max() && rules.min() > rules.max()) refuse(field.descriptor, name + ": min is above max");
    if ((rules.min_items() > 0 || rules.max_items() > 0) && !is_many(field))
      refuse(field.descriptor, name + ": only lists and maps have items");
    const bool can_tell = is_many(field) || field.shape == Shape::kOptional || is_text || field.type == Type::kUuid ||
                          field.type == Type::kDate || field.type == Type::kTimestamp || field.type == Type::kKey ||
                          field.type == Type::kVersion || field.type == Type::kEnum || field.type == Type::kMessage;
    if (rules.required() && !can_tell)
      refuse(field.descriptor, name + ": a number or boolean must be optional to be required, else 0 is a value");
  }

  void check_event(const Message& message) {
    if (!message.event) return;
    if (!is_kebab(message.event->name))
      refuse(message.descriptor, "event " + message.name + ": expected a name in kebab-case, not " + message.event->name);
    if (message.event->key == nullptr) {
      refuse(message.descriptor, "event " + message.name + ": its key names no field");
    } else if (message.event->key->shape != Shape::kPlain || message.event->key->type == Type::kMessage ||
               message.event->key->type == Type::kReal) {
      refuse(message.descriptor, "event " + message.name + ": expected a key that is always there, one value");
    }
    if (!topics_.insert(message.event->topic).second)
      refuse(message.descriptor, "event " + message.name + ": two events have the topic " + message.event->topic);
  }

  void check_service(const Service& service) {
    const std::string in_package = service.file->short_name;
    if (service.short_name != in_package)
      refuse(service.descriptor,
             "service " + service.name + ": expected the name " + in_package + " of its package, not \"" + service.short_name + "\"");
    std::set<std::string> codes;
    for (const options::ErrorRule& error : service.rules.errors()) {
      if (!is_kebab(error.code()))
        refuse(service.descriptor, "service " + service.name + ": expected an error code in kebab-case, not " + error.code());
      if (!codes.insert(error.code()).second)
        refuse(service.descriptor, "service " + service.name + ": the error code " + error.code() + " is there twice");
      if (error.help().empty()) refuse(service.descriptor, "service " + service.name + ": the error code " + error.code() + " has no help");
    }
    for (const Call& call : service.calls) check_call(service, call);
  }

  void check_call(const Service& service, const Call& call) {
    const std::string name = service.name + "." + call.name;
    if (call.descriptor->client_streaming() || call.descriptor->server_streaming())
      refuse(call.descriptor, name + ": streams are not supported");
    if (call.request == nullptr || call.reply == nullptr) return refuse(call.descriptor, name + ": expected messages of our contracts");
    for (const std::string& code : call.rules.errors()) {
      if (service.find_error(code) == nullptr) refuse(call.descriptor, name + ": the service declares no error " + code);
    }
    if (!call.route) {
      if (call.permission != "internal") refuse(call.descriptor, name + ": a call without a route has the permission internal");
      return check_request(name, *call.request, call, {});
    }
    check_route(service, name, call);
    check_request(name, *call.request, call, {});
    check_reply(name, *call.reply, {});
  }

  void check_route(const Service& service, const std::string& name, const Call& call) {
    const Route& route = *call.route;
    const int verbs = !call.rules.get().empty() + !call.rules.post().empty() + !call.rules.put().empty() + !call.rules.patch().empty() +
                      !call.rules.delete_().empty();
    if (verbs > 1) refuse(call.descriptor, name + ": expected one route");
    if (call.permission.empty() || call.permission == "internal") refuse(call.descriptor, name + ": a route needs a permission");
    const bool known = call.permission == "public" || call.permission == "session" || call.permission == "internal" ||
                       call.permission.empty() || call.permission.starts_with(service.short_name + ".");
    if (!known)
      refuse(call.descriptor,
             name + ": expected the permission public, session or " + service.short_name + ".<what>, not " + call.permission);
    check_path(name, call);
    check_success(name, call);
    const auto version = std::find_if(call.request->fields.begin(), call.request->fields.end(),
                                      [](const Field& field) { return field.type == Type::kVersion; });
    if (call.rules.needs_version() && version == call.request->fields.end())
      refuse(call.descriptor, name + ": needs_version, but the request has no field of the format VERSION");
    if (call.rules.creates() && route.method == "GET") refuse(call.descriptor, name + ": a GET creates nothing");
    const bool clears =
        std::any_of(call.request->fields.begin(), call.request->fields.end(), [](const Field& field) { return field.rules.cleared(); });
    if (clears && route.method != "PATCH") refuse(call.descriptor, name + ": only a PATCH clears members");
    if (const auto [other, added] = routes_.emplace(shape_of(route), name); !added)
      refuse(call.descriptor, name + ": " + other->second + " has the route " + route.method + " " + route.path + " already");
  }

  // What the gateway tells apart: members match whatever they are called.
  static std::string shape_of(const Route& route) {
    std::string shape = route.method + " ";
    for (const std::string& segment : split(std::string_view(route.path).substr(1), '/'))
      shape += segment.starts_with('{') ? "/{}" : "/" + segment;
    return shape;
  }

  void check_path(const std::string& name, const Call& call) {
    std::set<std::string> seen;
    for (const PathMember& member : call.route->members) {
      if (member.field == nullptr) {
        refuse(call.descriptor, name + ": the request has no field for {" + member.name + "} of the path");
        continue;
      }
      if (member.field->shape != Shape::kPlain || member.field->type == Type::kMessage || member.field->type == Type::kBytes ||
          member.field->type == Type::kJson)
        refuse(call.descriptor, name + ": {" + member.name + "} of the path is not one plain value that is always there");
      if (!seen.insert(member.name).second) refuse(call.descriptor, name + ": {" + member.name + "} is in the path twice");
    }
    for (const std::string& segment : split(std::string_view(call.route->path).substr(1), '/')) {
      const bool is_member = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
      if (!is_member && !is_kebab(segment))
        refuse(call.descriptor, name + ": expected segments in kebab-case or {field}, not \"" + segment + "\"");
    }
  }

  void check_success(const std::string& name, const Call& call) {
    static constexpr std::array<int, 4> kStatuses{200, 201, 202, 204};
    const int success = call.route->success;
    if (std::find(kStatuses.begin(), kStatuses.end(), success) == kStatuses.end())
      refuse(call.descriptor, name + ": expected success 200, 201, 202 or 204");
    if (success == 204 && !call.reply->fields.empty()) refuse(call.descriptor, name + ": 204 carries nothing, but the reply has fields");
    if (success == 201 && call.route->location.empty()) refuse(call.descriptor, name + ": 201 needs a location");
    std::string_view rest = call.route->location;
    for (auto open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
      const auto close = rest.find('}', open);
      const Field* field = close == std::string_view::npos ? nullptr : call.reply->find(rest.substr(open + 1, close - open - 1));
      const bool good =
          field != nullptr && field->shape == Shape::kPlain &&
          (field->type == Type::kText || field->type == Type::kUuid || field->type == Type::kKey || field->type == Type::kInteger);
      if (!good) refuse(call.descriptor, name + ": the location names no plain text, id or number of the reply");
      if (close == std::string_view::npos) return;
      rest.remove_prefix(close + 1);
    }
  }

  // Everything that comes from outside has a bound; what comes from another process does as well.
  void check_request(const std::string& call_name, const Message& message, const Call& call, std::set<const Message*> seen) {
    if (!seen.insert(&message).second) return;
    for (const Field& field : message.fields) {
      if (field.rules.cleared()) continue;
      const std::string name = field_name(message, field) + " (request of " + call_name + ")";
      if (is_many(field) && field.rules.max_items() == 0) refuse(field.descriptor, name + ": a list or map of a request needs max_items");
      if (needs_length(field) && field.rules.max_length() == 0) refuse(field.descriptor, name + ": a string of a request needs max_length");
      if (call.route) check_integer(name, field);
      const bool in_query = call.route && &message == call.request && !call.route->has_body && is_payload_member(call, field);
      const bool is_flat =
          field.shape != Shape::kMap && field.type != Type::kMessage && field.type != Type::kBytes && field.type != Type::kJson;
      if (in_query && !is_flat) refuse(field.descriptor, name + ": a query carries texts and numbers alone");
      if (in_query && field.rules.secret()) refuse(field.descriptor, name + ": a secret may not stand in an address");
      if (field.message != nullptr) check_request(call_name, *field.message, call, seen);
    }
  }

  static bool needs_length(const Field& field) {
    if (field.type == Type::kSecret || field.type == Type::kJson || field.type == Type::kBytes) return true;
    const options::Format format = field.rules.format();
    return field.type == Type::kText && (format == options::NONE || format == options::NAME);
  }

  void check_reply(const std::string& call_name, const Message& message, std::set<const Message*> seen) {
    if (!seen.insert(&message).second) return;
    for (const Field& field : message.fields) {
      check_integer(field_name(message, field) + " (reply of " + call_name + ")", field);
      if (field.message != nullptr) check_reply(call_name, *field.message, seen);
    }
  }

  // Numbers of JSON are exact up to 2^53 alone.
  void check_integer(const std::string& name, const Field& field) {
    if (field.type != Type::kInteger || field.wire_kind().ends_with("32")) return;
    const bool bounded =
        field.rules.has_max() && field.rules.max() <= kMaxJsonInteger && (!field.rules.has_min() || field.rules.min() >= -kMaxJsonInteger);
    if (!bounded) refuse(field.descriptor, name + ": a number of 64 bits in the public API needs max <= 2^53 - 1, or the format KEY");
  }

  const Contract& contract_;
  std::vector<std::string> found_;
  std::set<std::string> topics_;
  std::map<std::string, std::string> routes_;  // shape to call
};

}  // namespace

std::vector<std::string> check(const Contract& contract) {
  std::vector<std::string> found = Checker(contract).run();
  std::vector<std::string> once;
  for (std::string& reason : found) {
    if (std::find(once.begin(), once.end(), reason) == once.end()) once.push_back(std::move(reason));
  }
  return once;
}

}  // namespace consilium::generator
