#include "gateway/router.h"

#include <gtest/gtest.h>

namespace consilium::gateway {
namespace {

net::Route route(std::string_view method, std::string_view path) {
  net::Route out;
  out.method = method;
  out.path = path;
  out.call = path;
  return out;
}

Router sample() {
  std::vector<net::Route> routes;
  routes.push_back(route("GET", "/users"));
  routes.push_back(route("GET", "/users/me"));
  routes.push_back(route("GET", "/users/{id}"));
  routes.push_back(route("PATCH", "/users/{id}"));
  routes.push_back(route("PUT", "/users/me/presence"));
  routes.push_back(route("POST", "/posts/{id}/actions/{action_id}"));
  return Router(std::move(routes));
}

TEST(Router, LiteralWinsOverValue) {
  const Router router = sample();
  EXPECT_EQ(router.find("GET", "/users/me").route->path, "/users/me");
  const auto match = router.find("GET", "/users/7");
  ASSERT_TRUE(match.route);
  EXPECT_EQ(match.route->path, "/users/{id}");
  EXPECT_EQ(match.values.at("id"), "7");
}

TEST(Router, GoesBackWhereALiteralLeadsNowhere) {
  // `/users/me` is a literal, but only `/users/{id}` has PATCH.
  const auto match = sample().find("PATCH", "/users/me");
  EXPECT_FALSE(match.route);
  EXPECT_EQ(match.allowed, (std::vector<std::string_view>{"GET"}));
}

TEST(Router, TakesSeveralDecodedValues) {
  const auto match = sample().find("POST", "/posts/a%2Fb/actions/yes");
  ASSERT_TRUE(match.route);
  EXPECT_EQ(match.values.at("id"), "a/b");
  EXPECT_EQ(match.values.at("action_id"), "yes");
}

TEST(Router, RefusesWhatIsNoPath) {
  const Router router = sample();
  for (const char* path :
       {"", "/", "users", "/users/", "/users//", "//users", "/nothing", "/users/%zz", "/posts/1/actions", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n"}) {
    const auto match = router.find("GET", path);
    EXPECT_FALSE(match.route) << path;
    EXPECT_TRUE(match.allowed.empty()) << path;
  }
}

TEST(Router, NamesTheMethodsThatAPathHas) {
  EXPECT_EQ(sample().find("DELETE", "/users/7").allowed, (std::vector<std::string_view>{"GET", "PATCH"}));
}

TEST(Router, RefusesTwoRoutesForOneThing) {
  std::vector<net::Route> routes;
  routes.push_back(route("GET", "/users/{id}"));
  routes.push_back(route("GET", "/users/{name}"));
  EXPECT_THROW(Router(std::move(routes)), std::logic_error);
}

}  // namespace
}  // namespace consilium::gateway
