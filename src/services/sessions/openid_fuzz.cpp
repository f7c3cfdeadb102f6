// What an application asks of OpenID Connect: `s:` scopes (granted, line feed, asked), `v:` a verifier and its challenge, else
// the parameters of an authorization request as `name=value&…`, not encoded.
#include <string>
#include <string_view>

#include "base/fuzz_testing.h"
#include "services/sessions/openid.h"

namespace consilium::sessions {
namespace {

constexpr Timestamp kNow{1'767'225'600'000'000};

ParameterList parameters_in(std::string_view text) {
  ParameterList list;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const auto equals = part.find('=');
    list.push_back({std::string(part.substr(0, equals)), Secret(std::string(equals == part.npos ? "" : part.substr(equals + 1)))});
  }
  return list;
}

bool same(const AuthorizationRequest& a, const AuthorizationRequest& b) {
  return a.client_id == b.client_id && a.redirect_uri == b.redirect_uri && a.scope == b.scope && a.challenge == b.challenge &&
         a.nonce == b.nonce;
}

// On the way through the login page nothing of it changes, and the login satisfies it.
void check_login(const ParameterList& parameters, const AuthorizationRequest& request) {
  for (const auto& at : {std::optional<Timestamp>(), std::optional(kNow - days(1)), std::optional(kNow)}) {
    const LoginNeed need = login_need(request, at, kNow);
    if (!at) require(need != LoginNeed::kNone);
    const ParameterList back = after_login(parameters, need, kNow);
    const auto again = read_authorization(back);
    require(again && same(*again, request));
    if (need == LoginNeed::kAgain) require(login_need(*again, kNow + seconds(1), kNow + seconds(1)) == LoginNeed::kNone);
  }
}

void fuzz_authorization(std::string_view input) {
  const ParameterList parameters = parameters_in(input);
  OpenIdSettings settings;
  settings.applications["portal"].redirect_uris = {"https://portal.example/back"};
  const auto application = find_application(parameters, settings);
  require(application.has_value() == (value_of(parameters, "client_id") == "portal"));
  if (application) {
    require(check_redirect(parameters, **application).has_value() ==
            (value_of(parameters, "redirect_uri") == "https://portal.example/back"));
  }
  const auto request = read_authorization(parameters);
  if (!request) {
    require(!request.error().error.empty() && !request.error().description.empty());
    return;
  }
  require(check_no_repetition(parameters).has_value() && has_scope(request->scope, "openid") && request->challenge.size() == 43);
  require(!(request->silent && request->login_again));
  check_login(parameters, *request);
  ParameterList changed = parameters;
  set_value(changed, "nonce", "n");
  require(value_of(changed, "nonce") == "n");
  remove_value(changed, "nonce");
  require(value_of(changed, "nonce").empty());
}

void fuzz_scopes(std::string_view input) {
  const auto [granted, asked] = split_line(input);
  const auto kept = narrowed_scope(granted, asked);
  if (!kept || asked.find_first_not_of(' ') == std::string_view::npos) return;
  require(has_scope(*kept, "openid") && has_scope(granted, "openid"));
  require(narrowed_scope(*kept, *kept) == kept);
}

void fuzz_verifier(std::string_view input) {
  const auto [verifier, challenge] = split_line(input);
  if (fits_challenge(verifier, challenge)) require(verifier.size() >= 43 && challenge.size() == 43);
}

}  // namespace
}  // namespace consilium::sessions

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace consilium;
  const std::string_view input = fuzz_input(data, size);
  if (input.starts_with("s:")) {
    sessions::fuzz_scopes(input.substr(2));
  } else if (input.starts_with("v:")) {
    sessions::fuzz_verifier(input.substr(2));
  } else {
    sessions::fuzz_authorization(input);
  }
  return 0;
}
