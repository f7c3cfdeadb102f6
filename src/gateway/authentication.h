// Who asks: from the session cookie of a browser or the bearer token of a program, with the checks that keep other
// sites from speaking with a browser's cookie.
#pragma once

#include <optional>
#include <string>

#include "consilium/sessions/v1/sessions_service.h"
#include "gateway/settings.h"
#include "net/cookie.h"
#include "net/http.h"

namespace consilium::gateway {

enum class Proof : std::uint8_t { kNone, kCookie, kBearer };

// How the request reached us, as far as cookies and origins go.
struct Transport {
  bool secure = false;     // TLS here, or at a proxy that we trust
  std::string own_origin;  // `https://desk.example`, from Host
};
Transport transport_of(const net::HttpRequest& request, const Settings& settings);

// `__Host-session` over TLS, `session` on loopback without it.
std::string_view cookie_name(const Transport& transport);
net::SessionCookie session_cookie(const Transport& transport, std::string value);
net::SessionCookie no_session_cookie(const Transport& transport);

// Whether pages of this origin may use the API.
bool is_allowed_origin(std::string_view origin, const Transport& transport, const Settings& settings);
// A request that changes something, or opens a socket, with a cookie must come from a page of ours: `request.foreign-origin`.
Result<void> check_origin(const net::HttpRequest& request, const Transport& transport, const Settings& settings);

struct Identified {
  runtime::Caller caller;
  Proof proof = Proof::kNone;
  std::string language;
  Timestamp expires_at;
};

class Authenticator {
 public:
  explicit Authenticator(sessions::v1::Sessions& sessions) : sessions_(sessions) {}

  // Error `sessions.required` when the request proves nothing; else what the issuer says of the proof.
  Task<Result<Identified>> identify(runtime::Context& context, const net::HttpRequest& request, const Transport& transport);

 private:
  sessions::v1::Sessions& sessions_;
};

}  // namespace consilium::gateway
