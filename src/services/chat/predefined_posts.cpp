#include "services/chat/predefined_posts.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "base/utf8.h"

namespace consilium::chat {
namespace {

constexpr ParameterRule kClient{"client", ParameterType::kPerson};
constexpr ParameterRule kConsultant{"consultant", ParameterType::kPerson};
constexpr ParameterRule kTaskId{"taskId", ParameterType::kId, Presence::kOptional};
constexpr ParameterRule kTaskNum{"taskNum", ParameterType::kText, Presence::kOptional};

constexpr ParameterRule kHello[] = {kClient};
constexpr ParameterRule kAboutTask[] = {kTaskId, kTaskNum};
constexpr ParameterRule kWaiting[] = {kTaskId, kTaskNum, {"noticeCount", ParameterType::kNumber, Presence::kOptional}};
constexpr ParameterRule kAssignedToClient[] = {kConsultant, kTaskId, kTaskNum};
constexpr ParameterRule kAssignedToConsultant[] = {kClient, {"clientPhone", ParameterType::kText, Presence::kOptional}, kTaskId, kTaskNum};
constexpr ParameterRule kSolved[] = {{"taskNum", ParameterType::kText}, kTaskId};
constexpr ParameterRule kFeedback[] = {{"taskId", ParameterType::kId}, kTaskNum};

constexpr ActionRule kFeedbackActions[] = {
    {"yes", v1::ActionStyle::kPrimary, true},
    {"partially", v1::ActionStyle::kDefault, true},
    {"no", v1::ActionStyle::kDefault, true},
};

constexpr PredefinedPost kPosts[] = {
    {"client.hello", kHello, {}, {}},
    {"client.new-request", kAboutTask, {}, {}},
    {"client.no-consultant-available", kWaiting, {}, {}},
    {"client.request-assigned", kAssignedToClient, {}, "consultant"},
    {"consultant.request-assigned", kAssignedToConsultant, {}, "client"},
    {"client.request-escalated", kAboutTask, {}, {}},
    {"client.task-solved", kSolved, {}, {}},
    {"client.feedback", kFeedback, kFeedbackActions, {}},
};

FieldError problem(std::string_view name, std::string_view code, std::string_view message) {
  return {"parameters." + std::string(name), std::string(code), std::string(message)};
}

bool is_plain_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::optional<Parameter> read_value(const ParameterRule& rule, const boost::json::value& value) {
  Parameter parameter{std::string(rule.name), std::int64_t{0}, rule.type};
  if (rule.type == ParameterType::kNumber) {
    if (!value.is_int64()) return std::nullopt;
    parameter.value = value.get_int64();
    return parameter;
  }
  if (!value.is_string()) return std::nullopt;
  const std::string text(value.get_string());
  if (rule.type == ParameterType::kText) {
    if (text.empty() || !is_valid_utf8(text) || count_code_points(text) > kMaxParameterCharacters || !is_plain_text(text))
      return std::nullopt;
    parameter.value = text;
    return parameter;
  }
  const auto id = Uuid::parse(text);
  if (!id) return std::nullopt;
  parameter.value = *id;
  return parameter;
}

std::string_view expectation(ParameterType type) {
  switch (type) {
    case ParameterType::kText: return "Expected a text of 1 to 300 characters";
    case ParameterType::kNumber: return "Expected a whole number";
    case ParameterType::kId: return "Expected an id";
    case ParameterType::kPerson: return "Expected the id of a person";
  }
  return "";
}

const ParameterRule* find_rule(const PredefinedPost& post, std::string_view name) {
  for (const ParameterRule& rule : post.parameters) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

Failure bad_parameters(std::vector<FieldError> fields) {
  Error error = v1::errors::bad_parameters();
  error.fields = std::move(fields);
  return fail(std::move(error));
}

}  // namespace

std::span<const PredefinedPost> predefined_posts() { return kPosts; }

const PredefinedPost* find_predefined_post(std::string_view code) {
  const auto* const found =
      std::find_if(std::begin(kPosts), std::end(kPosts), [&](const PredefinedPost& post) { return post.code == code; });
  return found == std::end(kPosts) ? nullptr : &*found;
}

Result<std::vector<Parameter>> read_parameters(const PredefinedPost& post, std::string_view json) {
  boost::system::error_code error;
  const boost::json::value root = boost::json::parse(json, error);
  if (error || !root.is_object()) return bad_parameters({{"parameters", "wrong-type", "Expected an object"}});
  std::vector<FieldError> problems;
  for (const auto& [name, value] : root.get_object()) {
    if (!find_rule(post, name)) problems.push_back(problem(name, "unknown", "Expected only parameters that the post declares"));
  }
  std::vector<Parameter> parameters;
  for (const ParameterRule& rule : post.parameters) {
    const boost::json::value* value = root.get_object().if_contains(rule.name);
    if (!value) {
      if (rule.presence == Presence::kRequired) problems.push_back(problem(rule.name, "required", expectation(rule.type)));
      continue;
    }
    auto parameter = read_value(rule, *value);
    if (!parameter) {
      problems.push_back(problem(rule.name, "wrong-type", expectation(rule.type)));
      continue;
    }
    parameters.push_back(std::move(*parameter));
  }
  if (!problems.empty()) return bad_parameters(std::move(problems));
  return parameters;
}

std::string write_parameters(std::span<const Parameter> parameters) {
  boost::json::object object;
  for (const Parameter& parameter : parameters) {
    boost::json::value& value = object[parameter.name];
    if (const auto* text = std::get_if<std::string>(&parameter.value)) value = *text;
    if (const auto* number = std::get_if<std::int64_t>(&parameter.value)) value = *number;
    if (const auto* id = std::get_if<Uuid>(&parameter.value)) value = id->text();
  }
  return boost::json::serialize(object);
}

}  // namespace consilium::chat
