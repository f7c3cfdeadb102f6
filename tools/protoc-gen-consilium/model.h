// The contract as the emitters see it: descriptors of protobuf with our options read and every name decided, once.
#pragma once

#include <google/protobuf/descriptor.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "consilium/options/v1/options.pb.h"

namespace consilium::generator {

namespace options = ::consilium::options::v1;

// What a field holds; decides the C++ type and the forms in JSON and on the wire.
enum class Type {
  kText,
  kSecret,
  kUuid,
  kDate,
  kJson,
  kBytes,
  kTimestamp,
  kDuration,
  kKey,
  kVersion,
  kInteger,
  kReal,
  kBoolean,
  kEnum,
  kMessage,
};

enum class Shape { kPlain, kOptional, kList, kMap };

struct Enum;
struct Message;
struct File;

struct Field {
  const google::protobuf::FieldDescriptor* descriptor = nullptr;
  options::FieldRules rules;
  std::string comment;
  std::string name;       // C++ member: `first_name`
  std::string json_name;  // `firstName`
  std::string oneof;      // name of the oneof it is part of, or empty
  int number = 0;
  Type type = Type::kText;
  Shape shape = Shape::kPlain;
  const Enum* enumeration = nullptr;
  const Message* message = nullptr;
  bool nullable = false;  // absent is written as null

  bool required() const { return rules.required(); }
  std::string element_type(std::string_view in_namespace) const;  // C++ type of one value
  std::string cpp_type(std::string_view in_namespace) const;
  std::string wire_kind() const;  // enumerator of WireKind: `kText`
};

struct EnumValue {
  std::string name;  // enumerator: `kInProgress`
  std::string text;  // `in-progress`
  std::string comment;
  int number = 0;
};

struct Enum {
  const google::protobuf::EnumDescriptor* descriptor = nullptr;
  const File* file = nullptr;
  std::string name;
  std::string comment;
  std::vector<EnumValue> values;

  // The first value stands for "none": it has no text in JSON.
  bool is_none(const EnumValue& value) const;
};

struct Event {
  std::string name;   // `draft-created`
  std::string topic;  // `users.v1.draft-created`
  const Field* key = nullptr;
};

struct Message {
  const google::protobuf::Descriptor* descriptor = nullptr;
  const File* file = nullptr;
  std::string name;
  std::string comment;
  std::vector<Field> fields;
  std::unique_ptr<Event> event;
  std::vector<options::SocketRules> sockets;  // it is the data of these WebSocket messages, one each

  // By its name in .proto or in JSON.
  const Field* find(std::string_view wanted) const;
  std::string qualified(std::string_view in_namespace) const;
};

// One variable segment of a route's path.
struct PathMember {
  const Field* field = nullptr;
  std::string name;  // as in the route: the field's JSON name
};

struct Route {
  std::string method;  // `POST`
  std::string path;    // `/users/{id}`, members by their JSON names
  std::vector<PathMember> members;
  int success = 200;
  std::string location;  // template over the reply's fields, by proto name
  bool has_body = false;

  bool is_path_member(const Field& field) const;
};

struct Call {
  const google::protobuf::MethodDescriptor* descriptor = nullptr;
  options::CallRules rules;
  std::string comment;
  std::string name;      // `CreateClient`
  std::string function;  // `create_client`
  std::string rpc_name;  // `/consilium.users.v1.Users/CreateClient`
  std::string permission;
  const Message* request = nullptr;
  const Message* reply = nullptr;
  std::unique_ptr<Route> route;
};

struct ErrorCode {
  std::string code;      // `users.username-taken`
  std::string function;  // `username_taken`
  std::string kind;      // enumerator of ErrorKind: `kConflict`
  options::ErrorKind rule_kind = options::INTERNAL;
  std::string help;
};

struct Service {
  const google::protobuf::ServiceDescriptor* descriptor = nullptr;
  const File* file = nullptr;
  options::ServiceRules rules;
  std::string name;        // `Users`
  std::string short_name;  // `users`
  std::string comment;
  std::vector<Call> calls;
  std::vector<ErrorCode> errors;

  const ErrorCode* find_error(std::string_view code_in_service) const;
};

struct File {
  const google::protobuf::FileDescriptor* descriptor = nullptr;
  std::string path;        // `consilium/users/v1/users`, without ending
  std::string space;       // C++ namespace: `consilium::users::v1`
  std::string short_name;  // `users`: prefix of topics
  std::vector<std::unique_ptr<Enum>> enums;
  std::vector<std::unique_ptr<Message>> messages;  // each after those that it holds by value
  std::vector<std::unique_ptr<Service>> services;  // one or none
  std::vector<const File*> imports;

  const Service* service() const { return services.empty() ? nullptr : services.front().get(); }
  bool has_events() const;
};

struct Contract {
  std::vector<std::unique_ptr<File>> files;
};

// Files of `descriptors` and what they import from our packages. Only shape is read here: `check` judges it.
Contract read_contract(const std::vector<const google::protobuf::FileDescriptor*>& descriptors);

// The text of a comment above a declaration, without the slashes.
std::string comment_of(const google::protobuf::SourceLocation& location);

}  // namespace consilium::generator
