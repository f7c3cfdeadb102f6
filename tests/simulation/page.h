// A person's page, which only knows the public API: it logs in, keeps a socket, writes, chooses, and notes what it was told and
// shown, so that it can be held against what is stored. What the person does with it is decided elsewhere.
#pragma once

#include <boost/json.hpp>
#include <set>

#include "cluster.h"

namespace consilium::simulation {

struct AcknowledgedPost {
  std::string author_id;
  std::string client_id;
  std::string post_id;
};

struct AcknowledgedTransition {
  std::string task_id;
  std::string name;
};

class Page {
 public:
  Page(Cluster& cluster, std::string username) : cluster_(cluster), username_(std::move(username)) {}
  virtual ~Page() = default;
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  const std::string& name() const { return username_; }
  const std::string& user_id() const { return user_id_; }
  // Of the session at present; empty: not logged in.
  const std::string& cookie() const { return cookie_; }
  const std::vector<AcknowledgedPost>& acknowledged() const { return acknowledged_; }
  const std::vector<AcknowledgedTransition>& transitions() const { return transitions_; }
  // The page's events: sequence → type, and where the first socket began.
  const std::map<std::int64_t, std::string>& events() const { return events_; }
  std::int64_t first_sequence() const { return first_sequence_; }
  // Posts that this person was shown, by id.
  const std::set<std::string>& seen_posts() const { return seen_posts_; }
  // The last press of a feedback button that was answered, by post; empty: another one is on its way, or got no answer.
  const std::map<std::string, std::string>& pressed() const { return pressed_; }
  // The presence that was chosen last; nothing: none was, another one is on its way, or got no answer.
  const std::optional<std::string>& presence() const { return presence_; }

 protected:
  using Json = boost::json::value;
  struct Answer {
    int status = 0;  // 0: the connection was lost
    Json body;
    bool ok() const { return status >= 200 && status < 300; }
    // The request is refused, and will be again.
    bool refused() const { return status >= 400 && status < 500 && status != 429; }
  };

  static Task<void> ping(Page* page, const bool* over);
  Task<Answer> call(std::string method, std::string path, std::string body, std::string version = "");
  Task<void> log_in();
  Task<void> keep_socket();
  void cut_socket();
  // Under the same client id until it is acknowledged, as a page does; what was acknowledged must be there.
  Task<Answer> post(std::string channel, std::string client_id, std::string text);
  Task<Answer> transition(std::string task, std::string name, std::string reason);
  Task<Answer> press(std::string post, std::string action, std::string token);
  Task<Answer> choose_presence(std::string status);
  void note_posts(const Json& page);
  bool has_socket() const { return socket_ && welcomed_; }

  static std::string text_at(const Json& value, std::string_view name);
  static const boost::json::array& items_of(const Json& value);
  // Names and values in turn.
  template <class... Texts>
  static std::string object_of(Texts... texts) {
    const std::string all[] = {std::string(texts)...};
    boost::json::object object;
    for (std::size_t i = 0; i + 1 < sizeof...(Texts); i += 2) object[all[i]] = all[i + 1];
    return boost::json::serialize(object);
  }

  Cluster& cluster_;

 private:
  void take_frame(const std::string& frame);

  std::string username_;
  std::string cookie_;
  std::string user_id_;
  std::shared_ptr<SimulatedSocket> socket_;
  bool welcomed_ = false;
  std::optional<std::int64_t> last_;
  std::int64_t first_sequence_ = 0;
  std::map<std::int64_t, std::string> events_;
  std::set<std::string> seen_posts_;
  std::vector<AcknowledgedPost> acknowledged_;
  std::vector<AcknowledgedTransition> transitions_;
  std::map<std::string, std::string> pressed_;
  std::optional<std::string> presence_;
};

using Pages = std::vector<Page*>;

inline constexpr std::string_view kPassword = "Simulated-Passphrase-17";

}  // namespace consilium::simulation
