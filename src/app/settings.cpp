#include "app/settings.h"

#include <algorithm>

#include "runtime/config_services.h"

namespace consilium::app {
namespace {

std::vector<net::AddressRange> ranges_of(const std::vector<runtime::NetworkRange>& configured) {
  std::vector<net::AddressRange> ranges;
  for (const runtime::NetworkRange& one : configured) {
    if (auto range = net::AddressRange::parse(one.text)) ranges.push_back(*range);
  }
  return ranges;
}

// The rules of the configuration hold: pairs of lower-case digits.
std::string bytes_of(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return bytes;
}

sessions::OpenIdSettings applications_of(const runtime::Config::Sessions& config) {
  sessions::OpenIdSettings settings;
  for (const auto& [id, uris] : config.client_redirect_uris) {
    const auto name = config.client_names.find(id);
    const auto secret = config.client_secrets.find(id);
    sessions::ApplicationSettings& application = settings.applications[id];
    application.name = name == config.client_names.end() ? id : name->second;
    if (secret != config.client_secrets.end()) application.secret_sha256 = bytes_of(secret->second);
    application.redirect_uris = uris;
  }
  return settings;
}

std::string issuer_of(const runtime::Config& config, const net::Endpoint& listen) {
  if (!config.sessions.issuer.empty()) return config.sessions.issuer;
  if (!config.http.public_url.empty()) return config.http.public_url;
  return (config.http.tls.enabled() ? "https://" : "http://") + listen.text();
}

}  // namespace

PlatformSettings platform_settings(const runtime::Config& config, const net::Endpoint& listen) {
  PlatformSettings settings;
  settings.sessions.idle = config.sessions.idle;
  settings.sessions.absolute = config.sessions.absolute;
  settings.sessions.refresh_lifetime = config.sessions.refresh_token;
  settings.sessions.refresh_grace = config.sessions.refresh_grace;
  settings.sessions.invitation_lifetime = config.sessions.invitation_link;
  settings.sessions.reset_lifetime = config.sessions.reset_link;
  settings.sessions.token.lifetime = config.sessions.access_token;
  settings.sessions.token.issuer = issuer_of(config, listen);
  settings.sessions.openid = applications_of(config.sessions);
  settings.sessions.login.attempts = static_cast<int>(config.limits.logins_per_minute);
  settings.sessions.login.remembered = static_cast<std::size_t>(config.limits.tracked_callers);
  settings.chat.posts_in_window = static_cast<int>(config.limits.posts_per_second);
  settings.chat.lease = config.presence.lease;
  settings.chat.event_retention = config.chat.events_kept;
  settings.chat.events_per_person = config.chat.events_kept_per_person;
  settings.chat.choice_change = config.feedback.changeable_for;
  settings.tasks.limit = config.assignment.open_tasks;
  settings.tasks.answer_within = config.assignment.answer_within;
  settings.tasks.exclusion = config.assignment.left_out_for;
  settings.tasks.sweep = config.assignment.interval;
  settings.tasks.feedback_change_window = config.feedback.changeable_for;
  settings.gateway.allowed_origins = config.http.allowed_origins;
  settings.gateway.trusted_proxies = ranges_of(config.http.trusted_proxies);
  settings.gateway.behind_proxy = config.http.behind_proxy;
  settings.gateway.call_timeout = config.http.request_deadline;
  settings.gateway.sockets_per_person = static_cast<int>(config.limits.sockets_per_person);
  settings.gateway.ping_limit = config.socket.ping_deadline;
  // Pages prove their life often enough for a late ping or two not to cost the lease.
  settings.gateway.ping_interval = std::max(seconds(1), Duration{config.presence.lease.microseconds / 6});
  settings.gateway.renew_interval = std::max(seconds(1), Duration{config.presence.lease.microseconds / 3});
  settings.gateway.expiry_notice = config.sessions.expiry_notice;
  settings.bus.batch = static_cast<int>(config.bus.batch);
  settings.bus.keep_events = config.bus.retention;
  settings.retry = {static_cast<int>(config.bus.attempts), config.bus.first_retry, config.bus.longest_retry};
  settings.engine.records_per_checkpoint = config.engine.checkpoint_records;
  if (config.engine.listen) settings.engine.job_types = bpmn::LocalProcessEngineOptions::JobTypes::kAny;
  settings.engine.history = config.engine.history;
  settings.job_deadline = config.engine.job_deadline;
  settings.cases.notices = config.notices.waiting;
  settings.cases.feedback_window = config.feedback.awaited_for;
  settings.run.clear();
  for (const runtime::PlatformPart& part : runtime::kPlatformParts) {
    if (config.services.runs(part.name)) settings.run.emplace(part.name);
  }
  return settings;
}

net::HttpServerSettings public_server_settings(const runtime::Config& config) {
  net::HttpServerSettings settings;
  settings.listen = {config.http.listen.host, config.http.listen.port, {}};
  if (config.http.tls.enabled()) settings.tls = net::TlsServerFiles{config.http.tls.certificate.text, config.http.tls.key.text};
  settings.max_connections = static_cast<std::size_t>(config.http.connections);
  settings.head_limit = static_cast<std::size_t>(config.http.header_limit.bytes);
  settings.body_limit = static_cast<std::size_t>(config.http.body_limit.bytes);
  settings.head_timeout = config.http.header_deadline;
  settings.idle_timeout = config.http.idle_deadline;
  settings.web_socket.ping_interval = config.socket.ping;
  settings.web_socket.silence_limit = config.socket.ping_deadline;
  settings.web_socket.close_timeout = config.socket.close_deadline;
  settings.web_socket.message_limit = static_cast<std::size_t>(config.socket.message_limit.bytes);
  settings.web_socket.queue_messages = static_cast<std::size_t>(config.socket.queue_messages);
  settings.web_socket.queue_bytes = static_cast<std::size_t>(config.socket.queue_bytes.bytes);
  return settings;
}

net::HttpServerSettings internal_server_settings(const runtime::Config& config) {
  net::HttpServerSettings settings;
  settings.listen = {config.internal.listen.host, config.internal.listen.port, {}};
  settings.max_connections = 100;
  return settings;
}

net::ForeignServerSettings engine_server_settings(const runtime::Config& config) {
  net::ForeignServerSettings settings;
  settings.listen = config.engine.listen->text();
  settings.token = config.engine.token;
  if (config.engine.tls.enabled()) settings.tls = net::TlsServerFiles{config.engine.tls.certificate.text, config.engine.tls.key.text};
  return settings;
}

}  // namespace consilium::app
