// The posts that the platform itself writes, as data: which parameters each code declares and which buttons it carries.
// Their texts are messages `post.<code>` of the catalogue, their buttons' labels `action.<id>`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "consilium/chat/v1/chat.h"

namespace consilium::chat {

// What a parameter holds.
enum class ParameterType {
  kText,    // at most kMaxParameterCharacters, no control characters
  kNumber,  // a whole number
  kId,      // a UUID that is not shown: the task of a feedback
  kPerson,  // a UUID of a chat user; the text shows the display name, the post the photo
};

enum class Presence { kRequired, kOptional };

struct ParameterRule {
  std::string_view name;  // camelCase
  ParameterType type;
  Presence presence = Presence::kRequired;
};

struct ActionRule {
  std::string_view id;
  v1::ActionStyle style;
  bool takes_text;
};

struct PredefinedPost {
  std::string_view code;
  std::span<const ParameterRule> parameters;
  std::span<const ActionRule> actions;  // offered to clients alone
  std::string_view photo_of;            // the person whose photo the post shows
};

inline constexpr std::size_t kMaxParameterCharacters = 300;

std::span<const PredefinedPost> predefined_posts();
// Null when no predefined post has this code.
const PredefinedPost* find_predefined_post(std::string_view code);

struct Parameter {
  std::string name;
  std::variant<std::string, std::int64_t, Uuid> value;
  ParameterType type;
};

// Reads `json` by the rules of the post. Error code `chat.bad-parameters` (kValidation): `fields` names each parameter
// that is missing, unknown or of another type.
Result<std::vector<Parameter>> read_parameters(const PredefinedPost& post, std::string_view json);

// The one form in which parameters are stored: members in the order of the rules.
std::string write_parameters(std::span<const Parameter> parameters);

}  // namespace consilium::chat
