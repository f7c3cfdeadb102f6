// What an operator may tune at the public edge.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "net/ip_address.h"

namespace consilium::gateway {

struct Settings {
  // Other origins whose pages may call the API (`https://portal.example`); our own needs no entry.
  std::vector<std::string> allowed_origins;
  // Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
  std::vector<net::AddressRange> trusted_proxies;
  // TLS ends at a proxy before us: cookies are secure, origins are https.
  bool behind_proxy = false;
  Duration call_timeout = seconds(30);
  Duration hsts = days(365);

  // A page proves its life by `ping` this often …
  Duration ping_interval = seconds(10);
  // … and its socket is closed (4000) when none came for this long.
  Duration ping_limit = seconds(60);
  // Leases of sockets whose pages live are renewed in one batch this often.
  Duration renew_interval = seconds(10);
  int sockets_per_person = 10;
  // The sessions of open sockets are looked at this often: whatever signal was lost, the socket of an ended one closes then …
  Duration session_check = seconds(30);
  // … and a page is told so long before its session ends.
  Duration expiry_notice = minutes(5);
};

}  // namespace consilium::gateway
