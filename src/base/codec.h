// How generated messages become JSON and protobuf bytes and back. The contract generator emits one specialisation of
// each function a message; handwritten code only calls them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace consilium {

class JsonReader;
class JsonWriter;
class Violations;
class WireReader;
class WireWriter;

// Requests refuse members that the contract does not know (error 400 naming them); events and replies skip them.
enum class UnknownMembers { kRefuse, kIgnore };

// Free-form JSON inside a message, kept as its text: it has been checked to be one JSON value, depth <= 32.
struct JsonText {
  std::string text = "null";
  bool operator==(const JsonText&) const = default;
};

// A date that was not given, in a field of type Date that is not optional: absent in JSON, empty in the binary form.
inline constexpr Date kNoDate{0, 0, 0};

// One error that a service may answer, as its contract declares it.
struct ErrorEntry {
  std::string_view code;  // `users.username-taken`
  ErrorKind kind;
  std::string_view help;  // for people who write clients
};

template <class Message>
std::string encode_json(const Message& message);

// The same for logs and traces: members marked secret or personal are `"***"`.
template <class Message>
std::string encode_json_masked(const Message& message);

// Error `request.malformed` lists the members that are unknown, repeated or of a wrong type by their path. UTF-8 without
// NUL, nesting <= 32.
template <class Message>
Result<Message> decode_json(std::string_view text, UnknownMembers unknown);

// Protobuf binary form (proto3); unknown fields are skipped, nesting is bounded at 32, texts are UTF-8 without NUL as in JSON.
template <class Message>
std::string encode_wire(const Message& message);

template <class Message>
Result<Message> decode_wire(std::string_view bytes);

// The rules declared in the `.proto`; error `request.invalid` lists every violated field at once. `now` is what dates
// and times may not lie after.
template <class Message>
Result<void> validate(const Message& message, Timestamp now);

}  // namespace consilium
