// People at their pages, who only know the public API: they log in, keep a socket, write, answer, give back, solve, rate.
// Each is one coroutine on the people's loop with choices of its own seed; the platform may go away under them at any time.
#pragma once

#include <boost/json.hpp>
#include <set>

#include "cluster.h"

namespace consilium::simulation {

// How the next behaviour is chosen: `calm` people do their work and nothing else, so that every case ends.
struct Mood {
  bool calm = false;
  bool over = false;     // everybody goes home
  bool walkout = false;  // no consultant is there: cases are escalated
};

struct AcknowledgedPost {
  std::string author_id;
  std::string client_id;
  std::string post_id;
};

class Person {
 public:
  enum class Role { kClient, kConsultant, kAdministrator };
  Person(Cluster& cluster, const Mood& mood, std::string username, Role role, std::uint64_t seed)
      : cluster_(cluster), mood_(mood), username_(std::move(username)), role_(role), random_(seed) {}

  void start() { cluster_.people().spawn("person", live(this)); }
  bool has_gone() const { return gone_; }

  const std::string& name() const { return username_; }
  const std::string& user_id() const { return user_id_; }
  // Of the session at present; empty: not logged in.
  const std::string& cookie() const { return cookie_; }
  Role role() const { return role_; }
  const std::vector<AcknowledgedPost>& acknowledged() const { return acknowledged_; }
  // The page's events: sequence → type, and where the first socket began.
  const std::map<std::int64_t, std::string>& events() const { return events_; }
  std::int64_t first_sequence() const { return first_sequence_; }
  // Posts that this person was shown, by id.
  const std::set<std::string>& seen_posts() const { return seen_posts_; }
  // The last press of a feedback button that was answered, by post.
  const std::map<std::string, std::string>& pressed() const { return pressed_; }

 private:
  using Json = boost::json::value;
  struct Answer {
    int status = 0;  // 0: the connection was lost
    Json body;
    bool ok() const { return status >= 200 && status < 300; }
  };

  static Task<void> live(Person* self);
  static Task<void> ping(Person* self);
  Task<Answer> call(std::string method, std::string path, std::string body, std::string version = "");
  Task<void> log_in();
  Task<void> keep_socket();
  void take_frame(const std::string& frame);
  void note_posts(const Json& page);

  Task<void> act_as_client();
  Task<void> give_feedback(std::string channel);
  Task<void> act_as_consultant();
  Task<void> work_on(Json task);
  Task<void> act_as_administrator();
  Task<bool> write(std::string channel, std::string text);
  Task<void> transition(std::string task, std::string name, std::string reason);
  Task<bool> give_to_another(Json task);
  Task<void> change_groups();
  Task<void> choose_presence(std::string status);

  bool chance(std::uint64_t percent) { return random_.below(100) < percent; }
  Duration some(std::int64_t from_ms, std::int64_t to_ms) {
    return milliseconds(from_ms + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(to_ms - from_ms))));
  }

  Cluster& cluster_;
  const Mood& mood_;
  std::string username_;
  Role role_;
  SeededRandom random_;
  std::string cookie_;
  std::string user_id_;
  std::shared_ptr<SimulatedSocket> socket_;
  bool welcomed_ = false;
  std::optional<std::int64_t> last_;
  std::int64_t first_sequence_ = 0;
  std::map<std::int64_t, std::string> events_;
  std::set<std::string> seen_posts_;
  std::vector<AcknowledgedPost> acknowledged_;
  std::map<std::string, std::string> pressed_;
  std::set<std::string> consultants_;  // ids of those seen with a task
  std::string moved_;                  // whom this administrator took out of the group; empty: nobody
  std::set<std::string> rated_;        // feedback posts left alone on purpose or answered
  std::string presence_ = "offline";
  std::uint64_t posts_ = 0;
  std::uint64_t questions_left_ = 2;
  bool gone_ = false;
};

inline constexpr std::string_view kPassword = "Simulated-Passphrase-17";

}  // namespace consilium::simulation
