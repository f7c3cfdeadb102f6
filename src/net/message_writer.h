// Prints HTTP/1.1 messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "net/http.h"

namespace consilium::net {

// `Sun, 06 Nov 1994 08:49:37 GMT`.
std::string format_http_date(Timestamp time);

// Whether name and value can be printed: a token, and no control characters.
bool is_printable_header(const Header& header);

enum class Persistence { kKeepAlive, kClose };

// Status line and header fields up to the empty line. Date, Content-Length and Connection are ours: the response's own
// are left out. 1xx, 204 and 304 have no Content-Length.
std::string format_response_head(const HttpResponse& response, Persistence persistence, Timestamp now);
// Whether the status allows a body at all.
bool has_body(int status);

// `host` becomes the Host header. Content-Length is ours.
std::string format_request_head(std::string_view method, std::string_view target, std::string_view host, const std::vector<Header>& headers,
                                std::size_t body_size);

}  // namespace consilium::net
