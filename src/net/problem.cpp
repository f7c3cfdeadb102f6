#include "net/problem.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string>

namespace consilium::net {
namespace {

std::int64_t whole_seconds(Duration duration) { return (duration.microseconds + 999'999) / 1'000'000; }

boost::json::array fields_of(const Error& error) {
  boost::json::array fields;
  for (const FieldError& field : error.fields) {
    fields.push_back(boost::json::object{{"name", field.name}, {"code", field.code}, {"message", field.message}});
  }
  return fields;
}

}  // namespace

HttpResponse problem_response(const Error& error, std::string_view request_id, std::string_view title) {
  return problem_response(status_of(error.kind).http, error, request_id, title);
}

HttpResponse problem_response(int status, const Error& error, std::string_view request_id, std::string_view title) {
  boost::json::object problem;
  problem["type"] = "urn:consilium:error:" + error.code;
  problem["title"] = title.empty() ? reason_phrase(status) : title;
  problem["status"] = status;
  problem["code"] = error.code;
  if (!request_id.empty()) problem["requestId"] = request_id;
  if (!error.detail.empty() && error.kind != ErrorKind::kInternal) problem["detail"] = error.detail;
  if (!error.fields.empty()) problem["fields"] = fields_of(error);
  HttpResponse response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/problem+json");
  if (error.retry_after) {
    problem["retryAfter"] = whole_seconds(*error.retry_after);
    response.headers.emplace_back("Retry-After", std::to_string(whole_seconds(*error.retry_after)));
  }
  if (!request_id.empty()) response.headers.emplace_back("X-Request-Id", request_id);
  response.body = boost::json::serialize(problem);
  return response;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return {};
  }
}

}  // namespace consilium::net
