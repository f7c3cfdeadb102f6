// Failures as `application/problem+json` (RFC 9457), in the shape that CONVENTIONS fixes.
#pragma once

#include <string_view>

#include "base/error.h"
#include "net/http.h"

namespace consilium::net {

// `title` is the text for people in their language; empty: the phrase of the status. Of kInternal errors only the
// code is shown. Sets `Retry-After` (whole seconds, rounded up) when the error has one.
HttpResponse problem_response(const Error& error, std::string_view request_id, std::string_view title = {});
// The same with another status than the kind's (405, 408, 431 …).
HttpResponse problem_response(int status, const Error& error, std::string_view request_id, std::string_view title = {});

// `Not Found`; empty for unknown ones.
std::string_view reason_phrase(int status);

}  // namespace consilium::net
