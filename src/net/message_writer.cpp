#include "net/message_writer.h"

#include <algorithm>
#include <cstdio>

#include "net/header_text.h"
#include "net/problem.h"

namespace consilium::net {
namespace {

bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_ours(std::string_view name) {
  for (const std::string_view own : {"date", "content-length", "connection", "transfer-encoding", "keep-alive"}) {
    if (equal_ignoring_case(name, own)) return true;
  }
  return false;
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string format_http_date(Timestamp time) {
  constexpr const char* kDays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};  // 1970-01-01 was a Thursday
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Date date = date_of(time);
  const Timestamp midnight = start_of(date);
  const std::int64_t second = (time - midnight).microseconds / 1'000'000;
  const std::int64_t weekday = ((midnight.microseconds / 86'400'000'000) % 7 + 7) % 7;
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[weekday], date.day, kMonths[date.month - 1], date.year,
                static_cast<int>(second / 3600), static_cast<int>(second / 60 % 60), static_cast<int>(second % 60));
  return text;
}

bool is_printable_header(const Header& header) {
  const auto& [name, value] = header;
  const bool good_name = !name.empty() && std::all_of(name.begin(), name.end(), is_token_char);
  return good_name && std::none_of(value.begin(), value.end(),
                                   [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7F'; });
}

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string format_response_head(const HttpResponse& response, Persistence persistence, Timestamp now) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += reason_phrase(response.status);
  head += "\r\n";
  append_header(head, "Date", format_http_date(now));
  for (const auto& [name, value] : response.headers) {
    if (!is_ours(name)) append_header(head, name, value);
  }
  if (has_body(response.status)) append_header(head, "Content-Length", std::to_string(response.body.size()));
  if (response.status == 101) append_header(head, "Connection", "Upgrade");
  if (response.status != 101 && persistence == Persistence::kClose) append_header(head, "Connection", "close");
  return head += "\r\n";
}

std::string format_request_head(std::string_view method, std::string_view target, std::string_view host, const std::vector<Header>& headers,
                                std::size_t body_size) {
  std::string head(method);
  head.append(" ").append(target).append(" HTTP/1.1\r\n");
  append_header(head, "Host", host);
  for (const auto& [name, value] : headers) {
    if (!equal_ignoring_case(name, "content-length") && !equal_ignoring_case(name, "host")) append_header(head, name, value);
  }
  if (body_size > 0 || method == "POST" || method == "PUT" || method == "PATCH")
    append_header(head, "Content-Length", std::to_string(body_size));
  return head += "\r\n";
}

}  // namespace consilium::net
