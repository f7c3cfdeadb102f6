// How generated messages become JSON and protobuf bytes and back. The contract generator emits one specialisation of
// each function a message; handwritten code only calls them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace consilium {

// Requests refuse members that the contract does not know (error 400 naming them); events and replies skip them.
enum class UnknownMembers { kRefuse, kIgnore };

// Free-form JSON inside a message, kept as its text: it has been checked to be one JSON value, depth <= 32.
struct JsonText {
  std::string text = "null";
  bool operator==(const JsonText&) const = default;
};

template <class Message>
std::string encode_json(const Message& message);

template <class Message>
Result<Message> decode_json(std::string_view text, UnknownMembers unknown);

// Protobuf binary form (proto3); unknown fields are skipped, nesting is bounded at 32.
template <class Message>
std::string encode_wire(const Message& message);

template <class Message>
Result<Message> decode_wire(std::string_view bytes);

// The rules declared in the `.proto`; lists every violated field at once.
template <class Message>
Result<void> validate(const Message& message);

}  // namespace consilium
