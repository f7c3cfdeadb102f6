// Who reads whose events. The owner of an outbox must know of groups that it does not run: it keeps events for them.
#pragma once

#include <array>
#include <string_view>

namespace consilium::app {

struct ConsumerGroup {
  std::string_view service;
  std::string_view group;
  std::string_view producer;
};

// Those of src/services/*/events.cpp; the platform does not start with a group that is missing here.
inline constexpr std::array<ConsumerGroup, 12> kConsumerGroups{{
    {"sessions", "sessions.on-user", "users"},
    {"chat", "chat.on-session-closed", "sessions"},
    {"chat", "chat.on-user-deleted", "users"},
    {"chat", "chat.on-profile-changed", "users"},
    {"tasks", "tasks.people", "users"},
    {"tasks", "tasks.presence", "chat"},
    {"tasks", "tasks.answers", "chat"},
    {"tasks", "tasks.feedback", "chat"},
    {"tasks", "tasks.notices", "tasks"},
    {"processes", "processes.drafts", "users"},
    {"processes", "processes.posts", "chat"},
    {"processes", "processes.tasks", "tasks"},
}};

}  // namespace consilium::app
