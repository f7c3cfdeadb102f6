// Finds the route of a request among those that the contracts declare. Built once at start; lookups allocate only for
// the values of `{…}` segments.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/route.h"

namespace consilium::gateway {

using PathValues = std::map<std::string, std::string, std::less<>>;

class Router {
 public:
  // Throws std::logic_error on two routes of one method and pattern: a bug of the contracts.
  explicit Router(std::vector<net::Route> routes);

  struct Match {
    const net::Route* route = nullptr;  // null: no such path, or not with this method
    PathValues values;
    std::vector<std::string_view> allowed;  // methods that the path has, when `route` is null
  };
  // `path` below /api/v1, still percent-encoded. A literal segment wins over a `{…}` one (`/users/me`, `/users/{id}`).
  Match find(std::string_view method, std::string_view path) const;

  const std::vector<net::Route>& routes() const { return routes_; }

 private:
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literal;
    std::unique_ptr<Node> value;
    std::vector<std::size_t> routes;  // of different methods
  };

  const Node* descend(const Node& node, std::span<const std::string> segments, std::vector<std::string>& taken) const;

  std::vector<net::Route> routes_;
  Node root_;
};

}  // namespace consilium::gateway
