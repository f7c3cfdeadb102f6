#include "app/internal_edge.h"

namespace consilium::app {

net::HttpResponse InternalEdge::answer(const net::HttpRequest& request) const {
  net::HttpResponse response;
  const auto say = [&](int status, std::string_view type, std::string body) {
    response.status = status;
    response.set_header("Content-Type", type);
    response.body = std::move(body);
    return response;
  };
  if (request.method != "GET" && request.method != "HEAD") return say(405, "text/plain", "Expected GET\n");
  if (request.path() == "/metrics") {
    const bool open_metrics = request.header("Accept").find("application/openmetrics-text") != std::string_view::npos;
    return open_metrics ? say(200, runtime::kOpenMetricsType, metrics_.open_metrics_text())
                        : say(200, runtime::kPrometheusType, metrics_.prometheus_text());
  }
  if (request.path() == "/metrics/reference") return say(200, "text/markdown; charset=utf-8", metrics_.reference());
  if (topics_ && request.path() == "/topics/reference") return say(200, "text/markdown; charset=utf-8", topics_());
  if (request.path() == "/health/live") return say(health_.live() ? 200 : 503, "application/json", health_.live_json());
  if (request.path() == "/health/ready") return say(health_.ready() ? 200 : 503, "application/json", health_.ready_json());
  const std::string topics = topics_ ? "/topics/reference, " : "";
  return say(404, "text/plain", "Expected /metrics, /metrics/reference, " + topics + "/health/live or /health/ready\n");
}

Task<net::HttpResponse> InternalEdge::handle(runtime::Scheduler&, net::HttpRequest request) { co_return answer(request); }

Task<net::UpgradeAnswer> InternalEdge::upgrade(runtime::Scheduler&, net::HttpRequest) {
  net::HttpResponse response;
  response.status = 404;
  net::UpgradeAnswer refused = std::unexpected(std::move(response));
  co_return refused;
}

}  // namespace consilium::app
