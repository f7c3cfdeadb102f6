// The public edge: one HTTP application that serves the API, the sockets and the pages. It authenticates, checks the
// permission of each route, and turns errors into problem+json in the caller's language; what a call means, the services
// know. Called on the loop of each connection; holds no state of a request.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/message_catalogue.h"
#include "consilium/sessions/v1/sessions_service.h"
#include "gateway/authentication.h"
#include "gateway/hub.h"
#include "gateway/pages.h"
#include "gateway/refusals.h"
#include "gateway/router.h"
#include "gateway/settings.h"
#include "net/http.h"
#include "runtime/log.h"

namespace consilium::gateway {

// One answered request, for metrics: `route` is the pattern, never the path.
struct RequestFigures {
  std::string_view method;
  std::string_view route;
  int status = 0;
  Duration took;
};

struct GatewayParts {
  std::vector<net::Route> routes;
  sessions::v1::Sessions& sessions;
  Hub& hub;
  const MessageCatalogue& catalogue;
  std::vector<std::string_view> languages;  // offered ones, the default first
  std::span<const EmbeddedFile> pages;
  std::map<std::string, std::string, std::less<>> documents;  // path → JSON text: `/api/v1/openapi.json`
  // A handler of its own at a path, without the API's rules: OpenID Connect.
  using Mount = std::function<Task<net::HttpResponse>(runtime::Context&, const net::HttpRequest&)>;
  std::map<std::string, Mount, std::less<>> mounts;
  RandomSource& random;
  Refusals& refusals;
  runtime::Logger log;
  std::function<void(const RequestFigures&)> observe;
};

class Gateway final : public net::HttpApplication {
 public:
  Gateway(GatewayParts parts, Settings settings);

  Task<net::HttpResponse> handle(runtime::Scheduler& loop, net::HttpRequest request) override;
  Task<net::UpgradeAnswer> upgrade(runtime::Scheduler& loop, net::HttpRequest request) override;

  const Router& router() const { return router_; }

 private:
  // What is known of a request while it is answered.
  struct Visit {
    runtime::Context context;
    Transport transport;
    std::string method;
    std::size_t received = 0;  // bytes of its body
    std::string_view route = "none";
  };
  struct Outcome {
    int status = 0;
    std::size_t sent = 0;  // bytes of its body
  };

  Visit visit_of(runtime::Scheduler& loop, const net::HttpRequest& request) const;
  Task<net::HttpResponse> answer(Visit& visit, net::HttpRequest& request);
  Task<net::HttpResponse> answer_api(Visit& visit, net::HttpRequest& request);
  Task<Result<void>> admit(Visit& visit, const net::HttpRequest& request, const net::Route& route);
  Task<net::HttpResponse> call(Visit& visit, net::HttpRequest& request, const net::Route& route, PathValues values);
  Task<net::HttpResponse> log_in(Visit& visit, const net::HttpRequest& request);
  Task<net::HttpResponse> refresh(Visit& visit, const net::HttpRequest& request);
  Result<void> read_conditions(Visit& visit, const net::HttpRequest& request, const net::Route& route) const;
  net::HttpResponse preflight(const Visit& visit, const net::HttpRequest& request, const Router::Match& match) const;
  net::HttpResponse problem(const Visit& visit, const Error& error) const;
  net::HttpResponse problem(const Visit& visit, int status, const Error& error) const;
  std::string title_of(const Visit& visit, const Error& error) const;
  Task<Result<net::UpgradeAccepted>> accept(Visit& visit, const net::HttpRequest& request);
  void record(const Visit& visit, Outcome outcome, Timestamp began) const;
  void add_headers(const Visit& visit, const net::HttpRequest& request, net::HttpResponse& response) const;

  Router router_;
  Authenticator authenticator_;
  Pages pages_;
  GatewayParts parts_;
  Settings settings_;
};

}  // namespace consilium::gateway
