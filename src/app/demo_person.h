// One person of the demonstration, as a program of theirs would be: a session by bearer tokens, calls over HTTP and the
// WebSocket of events. Blocking, for one thread that plays; the network runs on a loop of its own.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/secret.h"
#include "net/http_client.h"
#include "runtime/asio_scheduler.h"

namespace consilium::app {

class DemoNetwork {
 public:
  // `timeout`: of each call.
  DemoNetwork(std::string base_url, Duration timeout);
  ~DemoNetwork();

  struct Call {
    std::string method = "GET";
    std::string path;  // below the base URL
    std::string body;  // JSON; empty: none
    std::vector<net::Header> headers;
  };
  // Errors of the transport alone: every status is an answer.
  Result<net::HttpResponse> send(Call call);
  Result<std::shared_ptr<net::WebSocket>> open_web_socket(std::string path, std::vector<net::Header> headers,
                                                          std::shared_ptr<net::WebSocketListener> listener);

  runtime::Scheduler& loop() { return loop_; }
  RandomSource& random() { return random_; }
  const std::string& base_url() const { return base_url_; }
  void set_base_url(std::string url) { base_url_ = std::move(url); }

 private:
  std::string base_url_;
  SystemRandom random_;
  runtime::AsioScheduler loop_;
  std::unique_ptr<net::HttpClient> client_;
};

// What came over one socket, in order. The loop writes, the player reads.
class DemoInbox;

class DemoPerson {
 public:
  DemoPerson(DemoNetwork& network, std::string username) : network_(network), username_(std::move(username)) {}
  ~DemoPerson();

  Result<void> log_in(const Secret& password);
  // The JSON of the answer (null when there is none). Another status than `expected` is an error that names the call, the
  // status and the code of the problem.
  Result<boost::json::value> call(std::string_view method, std::string path, int expected, const boost::json::value& body = nullptr,
                                  std::vector<net::Header> headers = {});
  Result<boost::json::value> get(std::string path) { return call("GET", std::move(path), 200); }

  Result<void> open_socket();
  // Tells the server that this person's page lives.
  void ping();
  // The `data` of the first event of this type that fits. `nullopt`: not yet. Errors: the socket was closed, or the numbers of
  // the events had a gap.
  using Fits = std::function<bool(const boost::json::value& data)>;
  Result<std::optional<boost::json::value>> find_event(std::string_view type, const Fits& fits) const;

  const std::string& username() const { return username_; }
  const std::string& user_id() const { return user_id_; }
  const std::string& session_id() const { return session_id_; }
  const std::string& language() const { return language_; }

 private:
  Result<void> take_session(const boost::json::value& session);
  Result<void> refresh();

  DemoNetwork& network_;
  std::string username_;
  std::string user_id_;
  std::string session_id_;
  std::string language_;
  Secret access_token_;
  Secret refresh_token_;
  std::shared_ptr<net::WebSocket> socket_;
  std::shared_ptr<DemoInbox> inbox_;
};

// The text at `path` (`assignee.userId`), or empty when it is not there or no text.
std::string text_at(const boost::json::value& value, std::string_view path);

}  // namespace consilium::app
