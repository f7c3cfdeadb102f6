#include "model.h"

#include <algorithm>
#include <set>

#include "names.h"

namespace consilium::generator {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using google::protobuf::SourceLocation;

// Options of descriptors that were built at run time hold ours as unknown fields: reading them again finds them.
template <class Rules, class Options, class Extension>
Rules rules_of(const Options& source, const Extension& extension) {
  Options known;
  known.ParseFromString(source.SerializeAsString());
  return known.GetExtension(extension);
}

template <class Anything>
std::string comment_above(const Anything* descriptor) {
  SourceLocation location;
  return descriptor->GetSourceLocation(&location) ? comment_of(location) : std::string();
}

// `Outer.Inner` -> `OuterInner`.
std::string flat_name(const std::string& full_name, const std::string& package) {
  const std::string inside = package.empty() ? full_name : full_name.substr(package.size() + 1);
  return replace_all(inside, ".", "");
}

Type type_of(const FieldDescriptor& field, const options::FieldRules& rules) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.type() == FieldDescriptor::TYPE_BYTES) return Type::kBytes;
      if (rules.secret()) return Type::kSecret;
      if (rules.format() == options::UUID) return Type::kUuid;
      if (rules.format() == options::DATE) return Type::kDate;
      if (rules.format() == options::JSON) return Type::kJson;
      return Type::kText;
    case FieldDescriptor::CPPTYPE_INT64:
      if (rules.format() == options::TIMESTAMP) return Type::kTimestamp;
      if (rules.format() == options::DURATION) return Type::kDuration;
      if (rules.format() == options::KEY) return Type::kKey;
      if (rules.format() == options::VERSION) return Type::kVersion;
      return Type::kInteger;
    case FieldDescriptor::CPPTYPE_BOOL: return Type::kBoolean;
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE: return Type::kReal;
    case FieldDescriptor::CPPTYPE_ENUM: return Type::kEnum;
    case FieldDescriptor::CPPTYPE_MESSAGE: return Type::kMessage;
    default: return Type::kInteger;
  }
}

Shape shape_of(const FieldDescriptor& field) {
  if (field.is_map()) return Shape::kMap;
  if (field.is_repeated()) return Shape::kList;
  // A member of a oneof is optional, too; setting one clears the others.
  if (field.containing_oneof() != nullptr) return Shape::kOptional;
  return Shape::kPlain;
}

std::string wire_kind_of(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_INT32: return "kInt32";
    case FieldDescriptor::TYPE_INT64: return "kInt64";
    case FieldDescriptor::TYPE_UINT32: return "kUint32";
    case FieldDescriptor::TYPE_UINT64: return "kUint64";
    case FieldDescriptor::TYPE_SINT32: return "kSint32";
    case FieldDescriptor::TYPE_SINT64: return "kSint64";
    case FieldDescriptor::TYPE_FIXED32: return "kFixed32";
    case FieldDescriptor::TYPE_FIXED64: return "kFixed64";
    case FieldDescriptor::TYPE_SFIXED32: return "kSfixed32";
    case FieldDescriptor::TYPE_SFIXED64: return "kSfixed64";
    case FieldDescriptor::TYPE_BOOL: return "kBool";
    case FieldDescriptor::TYPE_FLOAT: return "kFloat";
    case FieldDescriptor::TYPE_DOUBLE: return "kDouble";
    case FieldDescriptor::TYPE_ENUM: return "kEnum";
    case FieldDescriptor::TYPE_STRING: return "kText";
    case FieldDescriptor::TYPE_BYTES: return "kBytes";
    default: return "kMessage";
  }
}

// The field that holds the values: of a map it is the one of its entries.
const FieldDescriptor& value_field(const FieldDescriptor& field) { return field.is_map() ? *field.message_type()->map_value() : field; }

// A foreign package lies in our namespace too: the codec finds its readers and writers there.
std::string space_of(const FileDescriptor& file) {
  const std::string space = replace_all(file.package(), ".", "::");
  return space.starts_with("consilium::") ? space : "consilium::" + space;
}

std::string kind_enumerator(options::ErrorKind kind) { return "k" + camel_case(options::ErrorKind_Name(kind)); }

class Reader {
 public:
  Contract read(const std::vector<const FileDescriptor*>& descriptors) {
    for (const FileDescriptor* descriptor : descriptors) read_file(*descriptor);
    return std::move(contract_);
  }

 private:
  const File* read_file(const FileDescriptor& descriptor) {
    if (const auto known = files_.find(&descriptor); known != files_.end()) return known->second;
    auto file = std::make_unique<File>();
    file->descriptor = &descriptor;
    file->path = descriptor.name().substr(0, descriptor.name().rfind('.'));
    file->space = space_of(descriptor);
    const auto parts = split(descriptor.package(), '.');
    file->short_name = parts.size() >= 2 ? parts[parts.size() - 2] : descriptor.package();
    files_[&descriptor] = file.get();
    for (int i = 0; i < descriptor.dependency_count(); ++i) {
      const FileDescriptor& import = *descriptor.dependency(i);
      if (import.package().starts_with("consilium.") && import.package() != "consilium.options.v1")
        file->imports.push_back(read_file(import));
    }
    for (int i = 0; i < descriptor.enum_type_count(); ++i) read_enum(*file, *descriptor.enum_type(i));
    for (int i = 0; i < descriptor.message_type_count(); ++i) read_nested(*file, *descriptor.message_type(i));
    for (int i = 0; i < descriptor.message_type_count(); ++i) read_message(*file, *descriptor.message_type(i));
    for (int i = 0; i < descriptor.service_count(); ++i) read_service(*file, *descriptor.service(i));
    contract_.files.push_back(std::move(file));
    return contract_.files.back().get();
  }

  // Enums first: messages hold them by value.
  void read_nested(File& file, const Descriptor& descriptor) {
    for (int i = 0; i < descriptor.enum_type_count(); ++i) read_enum(file, *descriptor.enum_type(i));
    for (int i = 0; i < descriptor.nested_type_count(); ++i) read_nested(file, *descriptor.nested_type(i));
  }

  void read_enum(File& file, const EnumDescriptor& descriptor) {
    auto out = std::make_unique<Enum>();
    out->descriptor = &descriptor;
    out->file = &file;
    out->name = flat_name(descriptor.full_name(), descriptor.file()->package());
    out->comment = comment_above(&descriptor);
    const std::string prefix = upper_snake(descriptor.name()) + "_";
    bool has_prefix = true;
    for (int i = 0; i < descriptor.value_count(); ++i) has_prefix = has_prefix && descriptor.value(i)->name().starts_with(prefix);
    for (int i = 0; i < descriptor.value_count(); ++i) {
      const EnumValueDescriptor& value = *descriptor.value(i);
      const std::string name = has_prefix ? value.name().substr(prefix.size()) : value.name();
      const auto text = rules_of<std::string>(value.options(), options::text);
      out->values.push_back({"k" + camel_case(name), text.empty() ? kebab_case(name) : text, comment_above(&value), value.number()});
    }
    enums_[&descriptor] = out.get();
    file.enums.push_back(std::move(out));
  }

  // Depth first over what it holds, so that C++ finds each type complete.
  const Message* read_message(File& file, const Descriptor& descriptor) {
    if (const auto known = messages_.find(&descriptor); known != messages_.end()) return known->second;
    auto out = std::make_unique<Message>();
    Message* message = out.get();
    messages_[&descriptor] = message;
    message->descriptor = &descriptor;
    message->file = &file;
    message->name = flat_name(descriptor.full_name(), descriptor.file()->package());
    message->comment = comment_above(&descriptor);
    for (int i = 0; i < descriptor.nested_type_count(); ++i) {
      if (!descriptor.nested_type(i)->options().map_entry()) read_message(file, *descriptor.nested_type(i));
    }
    for (int i = 0; i < descriptor.field_count(); ++i) message->fields.push_back(read_field(file, *descriptor.field(i)));
    read_event(file, *message);
    read_socket(*message);
    file.messages.push_back(std::move(out));
    return message;
  }

  Field read_field(File& file, const FieldDescriptor& descriptor) {
    Field field;
    field.descriptor = &descriptor;
    field.rules = rules_of<options::FieldRules>(descriptor.options(), options::field);
    field.comment = comment_above(&descriptor);
    field.name = cpp_identifier(descriptor.name());
    field.json_name = lower_camel(descriptor.name());
    field.number = descriptor.number();
    const FieldDescriptor& value = value_field(descriptor);
    field.type = type_of(value, field.rules);
    field.shape = shape_of(descriptor);
    if (const auto* oneof = descriptor.real_containing_oneof()) field.oneof = oneof->name();
    if (field.type == Type::kEnum && enums_.contains(value.enum_type())) field.enumeration = enums_.at(value.enum_type());
    if (field.type == Type::kMessage) field.message = message_of(file, *value.message_type());
    // Lists end with `nextCursor: null`.
    field.nullable = field.shape == Shape::kOptional && (field.rules.nullable() || descriptor.name() == "next_cursor");
    return field;
  }

  // Null for messages that are not ours (`google.protobuf.…`): the checks refuse them.
  const Message* message_of(File& file, const Descriptor& descriptor) {
    if (descriptor.file() == file.descriptor) return read_message(file, descriptor);
    const auto known = messages_.find(&descriptor);
    return known == messages_.end() ? nullptr : known->second;
  }

  void read_event(const File& file, Message& message) {
    const auto& options = message.descriptor->options();
    const auto rules = rules_of<options::EventRules>(options, options::event);
    if (rules.name().empty()) return;
    message.event = std::make_unique<Event>();
    message.event->name = rules.name();
    message.event->topic = file.short_name + ".v1." + rules.name();
    const auto parts = split(file.descriptor->package(), '.');
    if (parts.size() >= 2) message.event->topic = parts[parts.size() - 2] + "." + parts.back() + "." + rules.name();
    message.event->key = message.find(rules.key());
  }

  static void read_socket(Message& message) {
    const auto rules = rules_of<options::SocketRules>(message.descriptor->options(), options::socket);
    if (rules.type().empty()) return;
    message.sockets.push_back(rules);
    for (const std::string& type : rules.also()) {
      message.sockets.push_back(rules);
      message.sockets.back().set_type(type);
    }
  }

  void read_service(File& file, const ServiceDescriptor& descriptor) {
    auto service = std::make_unique<Service>();
    service->descriptor = &descriptor;
    service->file = &file;
    service->rules = rules_of<options::ServiceRules>(descriptor.options(), options::service);
    service->name = descriptor.name();
    service->short_name = service->rules.name();
    service->comment = comment_above(&descriptor);
    for (const options::ErrorRule& rule : service->rules.errors()) {
      const std::string function = cpp_identifier(replace_all(rule.code(), "-", "_"));
      service->errors.push_back(
          {service->short_name + "." + rule.code(), function, kind_enumerator(rule.kind()), rule.kind(), rule.help()});
    }
    for (int i = 0; i < descriptor.method_count(); ++i) service->calls.push_back(read_call(file, *descriptor.method(i)));
    file.services.push_back(std::move(service));
  }

  Call read_call(File& file, const MethodDescriptor& descriptor) {
    Call call;
    call.descriptor = &descriptor;
    call.rules = rules_of<options::CallRules>(descriptor.options(), options::call);
    call.comment = comment_above(&descriptor);
    call.name = descriptor.name();
    call.function = cpp_identifier(snake_case(descriptor.name()));
    call.rpc_name = "/" + descriptor.service()->full_name() + "/" + descriptor.name();
    call.request = message_of(file, *descriptor.input_type());
    call.reply = message_of(file, *descriptor.output_type());
    call.route = read_route(call);
    call.permission = call.rules.permission().empty() && !call.route ? "internal" : call.rules.permission();
    return call;
  }

  std::unique_ptr<Route> read_route(const Call& call) {
    const std::pair<const char*, const std::string&> verbs[] = {{"GET", call.rules.get()},
                                                                {"POST", call.rules.post()},
                                                                {"PUT", call.rules.put()},
                                                                {"PATCH", call.rules.patch()},
                                                                {"DELETE", call.rules.delete_()}};
    for (const auto& [method, path] : verbs) {
      if (path.empty()) continue;
      auto route = std::make_unique<Route>();
      route->method = method;
      route->success = call.rules.success() == 0 ? 200 : call.rules.success();
      route->location = call.rules.location();
      route->has_body = route->method[0] == 'P';
      read_path(path, call, *route);
      return route;
    }
    return nullptr;
  }

  static void read_path(const std::string& path, const Call& call, Route& route) {
    for (std::string segment : split(std::string_view(path).substr(path.starts_with('/') ? 1 : 0), '/')) {
      if (segment.starts_with('{') && segment.ends_with('}')) {
        const std::string name = segment.substr(1, segment.size() - 2);
        const Field* field = call.request == nullptr ? nullptr : call.request->find(name);
        route.members.push_back({field, field == nullptr ? name : field->json_name});
        segment = "{" + route.members.back().name + "}";
      }
      route.path += "/" + segment;
    }
  }

  Contract contract_;
  std::map<const FileDescriptor*, const File*> files_;
  std::map<const EnumDescriptor*, const Enum*> enums_;
  std::map<const Descriptor*, const Message*> messages_;
};

std::string qualified_name(const File& file, const std::string& name, std::string_view in_namespace) {
  return file.space == in_namespace ? name : "::" + file.space + "::" + name;
}

}  // namespace

std::string Field::wire_kind() const { return wire_kind_of(value_field(*descriptor)); }

std::string Field::element_type(std::string_view in_namespace) const {
  switch (type) {
    case Type::kText:
    case Type::kBytes: return "std::string";
    case Type::kSecret: return "Secret";
    case Type::kUuid: return "Uuid";
    case Type::kDate: return "Date";
    case Type::kJson: return "JsonText";
    case Type::kTimestamp: return "Timestamp";
    case Type::kDuration: return "Duration";
    case Type::kKey:
    case Type::kVersion: return "std::int64_t";
    case Type::kBoolean: return "bool";
    case Type::kEnum: return enumeration == nullptr ? "" : qualified_name(*enumeration->file, enumeration->name, in_namespace);
    case Type::kMessage: return message == nullptr ? "" : message->qualified(in_namespace);
    case Type::kInteger:
    case Type::kReal: break;
  }
  switch (value_field(*descriptor).cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: return "std::int32_t";
    case FieldDescriptor::CPPTYPE_UINT32: return "std::uint32_t";
    case FieldDescriptor::CPPTYPE_UINT64: return "std::uint64_t";
    case FieldDescriptor::CPPTYPE_FLOAT: return "float";
    case FieldDescriptor::CPPTYPE_DOUBLE: return "double";
    default: return "std::int64_t";
  }
}

std::string Field::cpp_type(std::string_view in_namespace) const {
  std::string element = element_type(in_namespace);
  switch (shape) {
    case Shape::kPlain: return element;
    case Shape::kOptional: return "std::optional<" + element + ">";
    case Shape::kList: return "std::vector<" + element + ">";
    case Shape::kMap: return "std::map<std::string, " + element + ">";
  }
  return element;
}

bool Enum::is_none(const EnumValue& value) const { return value.number == 0 && value.name == "kUnspecified"; }

const Field* Message::find(std::string_view wanted) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& field) { return field.descriptor->name() == wanted || field.json_name == wanted; });
  return found == fields.end() ? nullptr : &*found;
}

std::string Message::qualified(std::string_view in_namespace) const { return qualified_name(*file, name, in_namespace); }

bool Route::is_path_member(const Field& field) const {
  return std::any_of(members.begin(), members.end(), [&](const PathMember& member) { return member.field == &field; });
}

const ErrorCode* Service::find_error(std::string_view code_in_service) const {
  const std::string code = short_name + "." + std::string(code_in_service);
  const auto found = std::find_if(errors.begin(), errors.end(), [&](const ErrorCode& error) { return error.code == code; });
  return found == errors.end() ? nullptr : &*found;
}

bool File::has_events() const {
  return std::any_of(messages.begin(), messages.end(), [](const auto& message) { return message->event != nullptr; });
}

Contract read_contract(const std::vector<const FileDescriptor*>& descriptors) { return Reader().read(descriptors); }

std::string comment_of(const SourceLocation& location) {
  std::vector<std::string> lines;
  for (std::string line : split(location.leading_comments, '\n')) {
    if (line.starts_with(' ')) line.erase(0, 1);
    lines.push_back(std::move(line));
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return join(lines, "\n");
}

}  // namespace consilium::generator
