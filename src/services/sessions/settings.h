// What of the sessions service can be tuned, with its defaults.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"

namespace consilium::sessions {

// Argon2id (RFC 9106).
struct PasswordSettings {
  std::uint32_t memory_kib = 19 * 1024;
  std::uint32_t iterations = 2;
  std::uint32_t lanes = 1;
};

struct LoginLimits {
  int attempts = 5;  // with one name from one address within the window
  Duration window = minutes(1);
  Duration longest_block = minutes(15);  // blocks double from `window` up to it
  Duration forget_after = hours(1);      // of calm: the next block is a short one again
  std::size_t remembered = 10'000;       // pairs of name and address; the longest unused is forgotten first
};

struct TokenSettings {
  std::string issuer = "http://127.0.0.1:8080";  // the public address
  std::string audience = "consilium";
  Duration lifetime = minutes(5);
  Duration clock_skew = seconds(5);
};

struct KeySettings {
  Duration rotate_after = days(30);
  // A new key is published this long before it signs, and an old one stays this long after it has signed last.
  Duration overlap = hours(1);
};

// An application that people log in to with what they have here.
struct ApplicationSettings {
  std::string name;           // for the person's list of sessions
  std::string secret_sha256;  // 32 bytes; empty: it has no secret, PKCE alone protects it
  std::vector<std::string> redirect_uris;
};

struct OpenIdSettings {
  std::map<std::string, ApplicationSettings, std::less<>> applications;  // by client_id
  Duration code_lifetime = seconds(60);
  int codes_at_a_time = 10;  // of one browser session, not used and not expired
};

struct Settings {
  PasswordSettings password;
  LoginLimits login;
  TokenSettings token;
  KeySettings keys;
  OpenIdSettings openid;
  Duration idle = hours(12);
  Duration absolute = days(30);
  Duration refresh_lifetime = days(30);    // of a family, from the login on
  Duration refresh_grace = seconds(10);    // a repeated refresh gets the same answer
  Duration touch_interval = minutes(1);    // `last_used_at` is written at most so often
  Duration invitation_lifetime = days(3);  // of a link for somebody who has no password yet
  Duration reset_lifetime = hours(1);      // of one that takes the place of a password
  std::int64_t refusals_kept = 100'000;    // rows
  Duration history = days(90);             // how long ended sessions are kept
};

}  // namespace consilium::sessions
