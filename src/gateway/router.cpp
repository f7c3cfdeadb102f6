#include "gateway/router.h"

#include <span>
#include <stdexcept>

#include "net/percent_encoding.h"

namespace consilium::gateway {
namespace {

constexpr std::size_t kMaxSegments = 12;

// `/users/{id}` → `users`, `{id}`. Empty segments are kept: `//` is another path than `/`.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  if (!path.starts_with('/')) return out;
  path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

bool is_value(std::string_view segment) { return segment.size() > 2 && segment.front() == '{' && segment.back() == '}'; }

}  // namespace

Router::Router(std::vector<net::Route> routes) : routes_(std::move(routes)) {
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    Node* node = &root_;
    for (const std::string_view segment : split(routes_[i].path)) {
      std::unique_ptr<Node>& next = is_value(segment) ? node->value : node->literal[std::string(segment)];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
    }
    for (const std::size_t other : node->routes) {
      if (routes_[other].method == routes_[i].method)
        throw std::logic_error("two routes for " + std::string(routes_[i].method) + " " + std::string(routes_[i].path));
    }
    node->routes.push_back(i);
  }
}

const Router::Node* Router::descend(const Node& node, std::span<const std::string> segments, std::vector<std::string>& taken) const {
  if (segments.empty()) return node.routes.empty() ? nullptr : &node;
  if (const auto found = node.literal.find(segments.front()); found != node.literal.end()) {
    if (const Node* end = descend(*found->second, segments.subspan(1), taken)) return end;
  }
  if (!node.value || segments.front().empty()) return nullptr;
  taken.push_back(segments.front());
  if (const Node* end = descend(*node.value, segments.subspan(1), taken)) return end;
  taken.pop_back();
  return nullptr;
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match match;
  std::vector<std::string> segments;
  for (const std::string_view segment : split(path)) {
    auto decoded = net::percent_decode(segment);
    if (!decoded || segments.size() == kMaxSegments) return match;
    segments.push_back(std::move(*decoded));
  }
  std::vector<std::string> taken;
  const Node* node = segments.empty() ? nullptr : descend(root_, segments, taken);
  if (!node) return match;
  for (const std::size_t index : node->routes) {
    const net::Route& route = routes_[index];
    match.allowed.push_back(route.method);
    if (route.method != method) continue;
    match.route = &route;
    std::size_t next = 0;
    for (const std::string_view segment : split(route.path)) {
      if (is_value(segment)) match.values.emplace(segment.substr(1, segment.size() - 2), taken[next++]);
    }
  }
  return match;
}

}  // namespace consilium::gateway
