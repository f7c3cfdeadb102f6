#include "gateway/pages.h"

#include <array>
#include <cstdint>

#include "net/header_text.h"
#include "net/language.h"

namespace consilium::gateway {
namespace {

struct ContentType {
  std::string_view ending;
  std::string_view type;
};
constexpr std::array<ContentType, 12> kTypes{{{".html", "text/html; charset=utf-8"},
                                              {".js", "text/javascript; charset=utf-8"},
                                              {".css", "text/css; charset=utf-8"},
                                              {".json", "application/json"},
                                              {".svg", "image/svg+xml"},
                                              {".png", "image/png"},
                                              {".ico", "image/x-icon"},
                                              {".webp", "image/webp"},
                                              {".woff2", "font/woff2"},
                                              {".webmanifest", "application/manifest+json"},
                                              {".txt", "text/plain; charset=utf-8"},
                                              {".mp3", "audio/mpeg"}}};

std::string_view type_of(std::string_view path) {
  for (const ContentType& one : kTypes) {
    if (path.ends_with(one.ending)) return one.type;
  }
  return "application/octet-stream";
}

// FNV-1a: a tag need not resist anybody, it only has to change with the content.
std::string tag_of(std::string_view content) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : content) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text = "\"";
  for (int shift = 60; shift >= 0; shift -= 4) text += kHex[hash >> shift & 15];
  return text + "\"";
}

// Whether an Accept-Encoding names the coding and does not refuse it by `;q=0`.
bool takes_coding(std::string_view accepted, std::string_view coding) {
  while (!accepted.empty()) {
    std::string_view weight = net::next_element(accepted, ',');
    if (net::next_element(weight, ';') != coding) continue;
    weight = net::trim(weight);
    // `q=0`, `q=0.000`: anything but this.
    return weight.find_first_not_of("q=0.") != std::string_view::npos || weight.empty();
  }
  return false;
}

// The language of a page of the application: `ru` of `index.ru.html`, of others nothing.
std::string_view language_of(std::string_view path) {
  constexpr std::string_view kBefore = "index.";
  constexpr std::string_view kAfter = ".html";
  if (!path.starts_with(kBefore) || !path.ends_with(kAfter) || path.size() <= kBefore.size() + kAfter.size()) return {};
  return path.substr(kBefore.size(), path.size() - kBefore.size() - kAfter.size());
}

}  // namespace

void Pages::add(std::span<const EmbeddedFile> files) {
  const auto is_compressed = [](std::string_view path) { return path.ends_with(".gz") || path.ends_with(".br"); };
  for (const EmbeddedFile& file : files) {
    if (is_compressed(file.path)) continue;
    Page& page = pages_[std::string(file.path)];
    page.plain = file.content;
    page.tag = tag_of(file.content);
    page.type = type_of(file.path);
    if (const std::string_view language = language_of(file.path); !language.empty()) languages_.push_back(language);
  }
  for (const EmbeddedFile& file : files) {
    if (!is_compressed(file.path)) continue;
    const auto found = pages_.find(file.path.substr(0, file.path.size() - 3));
    if (found == pages_.end()) continue;
    (file.path.ends_with(".br") ? found->second.brotli : found->second.gzip) = file.content;
  }
}

const Pages::Page* Pages::find(std::string_view path) const {
  if (path.starts_with('/')) path.remove_prefix(1);
  auto found = pages_.find(path);
  if (found == pages_.end()) found = pages_.find(std::string(path) + "/index.html");
  return found == pages_.end() ? nullptr : &found->second;
}

const Pages::Page* Pages::application(std::string_view accept_language) const {
  if (languages_.empty()) return find("index.html");
  return find("index." + std::string(net::choose_language(accept_language, languages_)) + ".html");
}

net::HttpResponse Pages::get(const net::HttpRequest& request) const {
  net::HttpResponse response;
  if (request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.set_header("Allow", "GET, HEAD");
    return response;
  }
  const std::string_view path = request.path().substr(1);
  const Page* found = find(path);
  const bool is_asset = path.starts_with("assets/");
  const bool is_application = !is_asset && (!found || path.empty() || path == "index.html");
  if (is_application) found = application(request.header("Accept-Language"));
  if (!found) {
    response.status = 404;
    response.set_header("Content-Type", "text/plain; charset=utf-8");
    response.body = "Not found\n";
    return response;
  }
  const Page& page = *found;
  response.set_header("ETag", page.tag);
  response.set_header("Cache-Control", is_asset ? "public, max-age=31536000, immutable" : "no-cache");
  response.set_header("Vary", is_application ? "Accept-Encoding, Accept-Language" : "Accept-Encoding");
  if (request.header("If-None-Match") == page.tag) {
    response.status = 304;
    return response;
  }
  response.set_header("Content-Type", page.type);
  const std::string_view accepted = request.header("Accept-Encoding");
  response.body = page.plain;
  const auto encode = [&](std::string_view coding, std::string_view content) {
    if (content.empty() || !takes_coding(accepted, coding)) return false;
    response.set_header("Content-Encoding", coding);
    response.body = content;
    return true;
  };
  if (!encode("br", page.brotli)) encode("gzip", page.gzip);
  return response;
}

}  // namespace consilium::gateway
