#include "services/sessions/sessions.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/base64.h"
#include "base/digest.h"

namespace consilium::sessions {

Timestamp expiry_of(const SessionRecord& session, const Settings& settings) {
  return std::min(session.expires_at, session.last_used_at + settings.idle);
}

Result<void> check_alive(const SessionRecord& session, const Settings& settings, Timestamp now) {
  const bool was_ended = session.ended_at && session.end_reason != reasons::kExpired;
  if (was_ended) return fail(v1::errors::invalid("Expected a session that has not ended"));
  if (session.ended_at || now >= expiry_of(session, settings)) return fail(v1::errors::expired("Expected a session that has not expired"));
  return {};
}

bool must_touch(const SessionRecord& session, const Settings& settings, Timestamp now) {
  return now - session.last_used_at >= settings.touch_interval;
}

v1::Session shown(const SessionRecord& session, const Settings& settings, Uuid current) {
  v1::Session out;
  out.id = session.id;
  out.user_id = session.user_id;
  out.created_at = session.created_at;
  out.last_used_at = session.last_used_at;
  out.expires_at = expiry_of(session, settings);
  out.user_agent = session.user_agent;
  out.remote_address = session.remote_address;
  out.current = session.id == current;
  return out;
}

Secret make_token(RandomSource& random) {
  std::string bytes(32, '\0');
  random.fill(std::as_writable_bytes(std::span(bytes)));
  return Secret(encode_base64url(bytes));
}

std::string token_hash(const Secret& token) { return sha256(token.reveal()); }

}  // namespace consilium::sessions
