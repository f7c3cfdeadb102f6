// What the internal address answers: `/metrics`, `/metrics/reference` (names and meaning, Markdown), `/topics/reference` (who reads
// which), `/health/live`, `/health/ready`. Never reachable on the public port.
#pragma once

#include <functional>
#include <string>

#include "net/http.h"
#include "runtime/health.h"
#include "runtime/metrics.h"

namespace consilium::app {

class InternalEdge final : public net::HttpApplication {
 public:
  // `topics`: the text of who reads which; null where nobody reads any.
  InternalEdge(const runtime::MetricsRegistry& metrics, const runtime::Health& health, std::function<std::string()> topics)
      : metrics_(metrics), health_(health), topics_(std::move(topics)) {}

  Task<net::HttpResponse> handle(runtime::Scheduler& loop, net::HttpRequest request) override;
  Task<net::UpgradeAnswer> upgrade(runtime::Scheduler& loop, net::HttpRequest request) override;

 private:
  net::HttpResponse answer(const net::HttpRequest& request) const;

  const runtime::MetricsRegistry& metrics_;
  const runtime::Health& health_;
  std::function<std::string()> topics_;
};

}  // namespace consilium::app
