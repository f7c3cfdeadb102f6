// People at their pages, who only know the public API: they log in, keep a socket, write, answer, give back, solve, rate.
// Each is one coroutine on the people's loop with choices of its own seed; the platform may go away under them at any time.
#pragma once

#include "page.h"

namespace consilium::simulation {

// How the next behaviour is chosen: `calm` people do their work and nothing else, so that every case ends.
struct Mood {
  bool calm = false;
  bool over = false;     // everybody goes home
  bool walkout = false;  // no consultant is there: cases are escalated
};

class Person final : public Page {
 public:
  enum class Role { kClient, kConsultant, kAdministrator };
  Person(Cluster& cluster, const Mood& mood, std::string username, Role role, std::uint64_t seed)
      : Page(cluster, std::move(username)), mood_(mood), role_(role), random_(seed) {}

  void start() { cluster_.people().spawn("person", live(this)); }
  bool has_gone() const { return gone_; }

  Role role() const { return role_; }

 private:
  static Task<void> live(Person* self);
  Task<void> mind_socket();

  Task<void> act_as_client();
  Task<void> give_feedback(std::string channel);
  Task<void> act_as_consultant();
  Task<void> work_on(Json task);
  Task<void> act_as_administrator();
  Task<bool> write(std::string channel, std::string text);
  Task<bool> give_to_another(Json task);
  Task<void> change_groups();
  Task<void> show(std::string status);

  bool chance(std::uint64_t percent) { return random_.below(100) < percent; }
  Duration some(std::int64_t from_ms, std::int64_t to_ms) {
    return milliseconds(from_ms + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(to_ms - from_ms))));
  }

  const Mood& mood_;
  Role role_;
  SeededRandom random_;
  std::set<std::string> consultants_;  // ids of those seen with a task
  std::string moved_;                  // whom this administrator took out of the group; empty: nobody
  std::set<std::string> rated_;        // feedback posts left alone on purpose or answered
  std::string shown_ = "offline";
  std::uint64_t posts_ = 0;
  std::uint64_t questions_left_ = 2;
  bool gone_ = false;
};

}  // namespace consilium::simulation
