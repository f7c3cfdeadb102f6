// Parameters of OpenID Connect as they come in queries, forms and the Authorization header, and go into addresses. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "consilium/sessions/v1/sessions.h"

namespace consilium::gateway {

using ParameterList = std::vector<sessions::v1::Parameter>;

// Whether a Content-Type says that the body is a form.
bool is_form(std::string_view content_type);
// Of a query or a form. Error `request.malformed`.
Result<ParameterList> read_form(std::string_view text);
std::string form_of(const ParameterList& parameters);
// A registered address may have a query of its own.
std::string with_parameters(std::string address, const ParameterList& parameters);

struct Credentials {
  std::string id;
  std::string secret;
};
// `Basic` of RFC 7617, its halves encoded as in a form (RFC 6749 §2.3.1).
std::optional<Credentials> read_basic(std::string_view header);

}  // namespace consilium::gateway
