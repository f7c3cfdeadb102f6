#include "check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "contract_text_test.h"
#include "names.h"

namespace consilium::generator {
namespace {

constexpr const char* kPath = "consilium/shop/v1/shop.proto";
constexpr std::string_view kHead = R"(syntax = "proto3";
package consilium.shop.v1;
import "consilium/options/v1/options.proto";
)";
constexpr std::string_view kService = R"(service Shop {
  option (options.v1.service) = {name: "shop" errors: {code: "not-found" kind: NOT_FOUND help: "None."}};
)";

std::vector<std::string> check_text(const std::string& text) {
  const ContractText contract({{kPath, text}}, "", {kPath});
  EXPECT_TRUE(contract.syntax_errors().empty()) << join(contract.syntax_errors(), "\n");
  return check(contract.contract());
}

// Messages and calls of a contract, and where in them the one mistake is found.
struct Mistake {
  const char* name;
  const char* messages;
  const char* calls;   // of the service; none when empty
  const char* reason;  // what must be said, from the line on: lines count from the head of the file
};

const Mistake kMistakes[] = {
    {"RouteWithoutPermission", "message A {}\nmessage B {}\n", R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/a"}; })",
     ":8: Shop.Get: a route needs a permission"},
    {"RouteWithInternalPermission", "message A {}\nmessage B {}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/a" permission: "internal"}; })",
     ":8: Shop.Get: a route needs a permission"},
    {"InternalCallWithPermission", "message A {}\nmessage B {}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {permission: "session"}; })",
     ":8: Shop.Get: a call without a route has the permission internal"},
    {"PermissionOfAnotherService", "message A {}\nmessage B {}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/a" permission: "users.read"}; })",
     ":8: Shop.Get: expected the permission public, session or shop.<what>, not users.read"},
    {"StringWithoutBound", "message A {\n  string text = 1;\n}\nmessage B {}\n",
     R"(rpc Post(A) returns (B) { option (options.v1.call) = {post: "/a" permission: "session"}; })",
     ":5: A.text (request of Shop.Post): a string of a request needs max_length"},
    {"NestedStringWithoutBound", "message C {\n  string text = 1;\n}\nmessage A {\n  C c = 1;\n}\nmessage B {}\n",
     R"(rpc Post(A) returns (B) { option (options.v1.call) = {post: "/a" permission: "session"}; })",
     ":5: C.text (request of Shop.Post): a string of a request needs max_length"},
    {"ListWithoutBound", "message A {\n  repeated int32 numbers = 1;\n}\nmessage B {}\n",
     R"(rpc Post(A) returns (B) { option (options.v1.call) = {post: "/a" permission: "session"}; })",
     ":5: A.numbers (request of Shop.Post): a list or map of a request needs max_items"},
    {"InternalStringWithoutBound", "message A {\n  string text = 1;\n}\nmessage B {}\n",
     R"(rpc Post(A) returns (B) { option (options.v1.call) = {permission: "internal"}; })",
     ":5: A.text (request of Shop.Post): a string of a request needs max_length"},
    {"InternalListWithoutBound", "message A {\n  repeated int32 numbers = 1;\n}\nmessage B {}\n",
     R"(rpc Post(A) returns (B) { option (options.v1.call) = {permission: "internal"}; })",
     ":5: A.numbers (request of Shop.Post): a list or map of a request needs max_items"},
    {"WideNumberWithoutBound", "message A {}\nmessage B {\n  int64 n = 1;\n}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/a" permission: "session"}; })",
     ":6: B.n (reply of Shop.Get): a number of 64 bits in the public API needs max <= 2^53 - 1"},
    {"MessageInQuery", "message C {}\nmessage A {\n  C c = 1;\n}\nmessage B {}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/a" permission: "session"}; })",
     ":6: A.c (request of Shop.Get): a query carries texts and numbers alone"},
    {"SecretInQuery", "message A {\n  string p = 1 [(options.v1.field) = {secret: true, max_length: 9}];\n}\nmessage B {}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/a" permission: "session"}; })",
     ":5: A.p (request of Shop.Get): a secret may not stand in an address"},
    {"RouteTwice",
     "message A {\n  string id = 1 [(options.v1.field) = {format: UUID}];\n  string key = 2 [(options.v1.field) = {format: "
     "UUID}];\n}\nmessage B {}\n",
     "rpc Get(A) returns (B) { option (options.v1.call) = {get: \"/a/{id}\" permission: \"session\"}; }\n"
     "rpc Find(A) returns (B) { option (options.v1.call) = {get: \"/a/{key}\" permission: \"session\"}; }",
     ":12: Shop.Find: Shop.Get has the route GET /a/{key} already"},
    {"TwoVerbs", "message A {}\nmessage B {}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/a" post: "/a" permission: "session"}; })",
     ":8: Shop.Get: expected one route"},
    {"UnknownPathMember", "message A {}\nmessage B {}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/a/{id}" permission: "session"}; })",
     ":8: Shop.Get: the request has no field for {id} of the path"},
    {"OptionalPathMember", "message A {\n  optional string id = 1 [(options.v1.field) = {format: UUID}];\n}\nmessage B {}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/a/{id}" permission: "session"}; })",
     ":10: Shop.Get: {id} of the path is not one plain value that is always there"},
    {"OddSegment", "message A {}\nmessage B {}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/aB" permission: "session"}; })",
     ":8: Shop.Get: expected segments in kebab-case or {field}, not \"aB\""},
    {"UnknownError", "message A {}\nmessage B {}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/a" permission: "session" errors: "gone"}; })",
     ":8: Shop.Get: the service declares no error gone"},
    {"VersionMissing", "message A {}\nmessage B {}\n",
     R"(rpc Put(A) returns (B) { option (options.v1.call) = {put: "/a" permission: "session" needs_version: true}; })",
     ":8: Shop.Put: needs_version, but the request has no field of the format VERSION"},
    {"GetCreates", "message A {}\nmessage B {}\n",
     R"(rpc Get(A) returns (B) { option (options.v1.call) = {get: "/a" permission: "session" creates: true}; })",
     ":8: Shop.Get: a GET creates nothing"},
    {"NothingWithFields", "message A {}\nmessage B {\n  int32 n = 1;\n}\n",
     R"(rpc Put(A) returns (B) { option (options.v1.call) = {put: "/a" permission: "session" success: 204}; })",
     ":10: Shop.Put: 204 carries nothing, but the reply has fields"},
    {"CreatedWithoutLocation", "message A {}\nmessage B {}\n",
     R"(rpc Post(A) returns (B) { option (options.v1.call) = {post: "/a" permission: "session" success: 201}; })",
     ":8: Shop.Post: 201 needs a location"},
    {"LocationOfNothing", "message A {}\nmessage B {}\n",
     R"(rpc Post(A) returns (B) { option (options.v1.call) = {post: "/a" permission: "session" success: 201 location: "/a/{id}"}; })",
     ":8: Shop.Post: the location names no plain text, id or number of the reply"},
    {"OddSuccess", "message A {}\nmessage B {}\n",
     R"(rpc Post(A) returns (B) { option (options.v1.call) = {post: "/a" permission: "session" success: 203}; })",
     ":8: Shop.Post: expected success 200, 201, 202 or 204"},
    {"Stream", "message A {}\nmessage B {}\n", "rpc Watch(A) returns (stream B) {}", ":8: Shop.Watch: streams are not supported"},
    {"ClearedInPost", "message A {\n  repeated string cleared = 1 [(options.v1.field) = {cleared: true}];\n}\nmessage B {}\n",
     R"(rpc Post(A) returns (B) { option (options.v1.call) = {post: "/a" permission: "session"}; })",
     ":10: Shop.Post: only a PATCH clears members"},
    {"EnumWithoutNone", "enum E {\n  E_ONE = 0;\n}\n", "", ":5: enum E: expected E_UNSPECIFIED as the value 0, which stands for none"},
    {"EnumTextTwice", "enum E {\n  E_UNSPECIFIED = 0;\n  E_A = 1;\n  E_B = 2 [(options.v1.text) = \"a\"];\n}\n", "",
     ":4: enum E: two values have the text a"},
    {"EventWithoutKey", "message A {\n  option (options.v1.event) = {name: \"done\", key: \"id\"};\n}\n", "",
     ":4: event A: its key names no field"},
    {"EventWithOptionalKey", "message A {\n  option (options.v1.event) = {name: \"done\", key: \"id\"};\n  optional string id = 1;\n}\n",
     "", ":4: event A: expected a key that is always there, one value"},
    {"EventNameWithCapital", "message A {\n  option (options.v1.event) = {name: \"Done\", key: \"id\"};\n  string id = 1;\n}\n", "",
     ":4: event A: expected a name in kebab-case, not Done"},
    {"TopicTwice",
     "message A {\n  option (options.v1.event) = {name: \"done\", key: \"id\"};\n  string id = 1;\n}\n"
     "message B {\n  option (options.v1.event) = {name: \"done\", key: \"id\"};\n  string id = 1;\n}\n",
     "", ":8: event B: two events have the topic shop.v1.done"},
    {"FormatOnWrongType", "message A {\n  int32 at = 1 [(options.v1.field) = {format: TIMESTAMP}];\n}\n", "",
     ":5: A.at: expected int64 for the format TIMESTAMP"},
    {"RequiredNumber", "message A {\n  int32 n = 1 [(options.v1.field) = {required: true}];\n}\n", "",
     ":5: A.n: a number or boolean must be optional to be required, else 0 is a value"},
    {"LengthOfNumber", "message A {\n  int32 n = 1 [(options.v1.field) = {max_length: 3}];\n}\n", "",
     ":5: A.n: only strings have lengths and characters"},
    {"MinAboveMax", "message A {\n  int32 n = 1 [(options.v1.field) = {min: 3, max: 2}];\n}\n", "", ":5: A.n: min is above max"},
    {"MaxOfString", "message A {\n  string n = 1 [(options.v1.field) = {max: 2}];\n}\n", "", ":5: A.n: only numbers have min and max"},
    {"ItemsOfString", "message A {\n  string n = 1 [(options.v1.field) = {max_items: 2}];\n}\n", "",
     ":5: A.n: only lists and maps have items"},
    {"OddClass", "message A {\n  string n = 1 [(options.v1.field) = {characters: \"a-z\"}];\n}\n", "",
     ":5: A.n: expected a class as [a-z0-9-], not a-z"},
    {"NullableAlways", "message A {\n  string n = 1 [(options.v1.field) = {nullable: true}];\n}\n", "",
     ":5: A.n: only an optional field can be nullable"},
    {"EdgeAlways", "message A {\n  string n = 1 [(options.v1.field) = {edge: true}];\n}\n", "",
     ":5: A.n: only an optional field can be between gateway and service alone"},
    {"MapByNumber", "message A {\n  map<int32, string> m = 1;\n}\n", "", ":5: A.m: expected a map by string"},
    {"HoldsItself", "message A {\n  optional A a = 1;\n}\n", "", ":4: message A holds itself; only a list or map of itself can end"},
    {"TakenName", "message Uuid {}\n", "", ":4: message Uuid has the name of a type of base/"},
    {"SecretNumber", "message A {\n  int32 n = 1 [(options.v1.field) = {secret: true}];\n}\n", "", ":5: A.n: only a string can be secret"},
    {"FutureOfText", "message A {\n  string n = 1 [(options.v1.field) = {not_future: true}];\n}\n", "",
     ":5: A.n: only dates and times can be not_future"},
};

class Mistakes : public testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, VA_1_AreRefusedWithFileLineAndReason) {
  const Mistake& mistake = GetParam();
  std::string text = std::string(kHead) + mistake.messages;
  if (mistake.calls[0] != '\0') text += std::string(kService) + mistake.calls + "\n}\n";
  const auto found = check_text(text);
  ASSERT_EQ(found.size(), 1U) << text << join(found, "\n");
  EXPECT_TRUE(found.front().starts_with(std::string(kPath) + mistake.reason)) << found.front();
}

INSTANTIATE_TEST_SUITE_P(Check, Mistakes, testing::ValuesIn(kMistakes),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(Check, X_1_RefusesErrorCodesThatAreThereTwiceOrWithoutHelp) {
  const auto found = check_text(std::string(kHead) + R"(service Shop {
  option (options.v1.service) = {
    name: "shop"
    errors: {code: "gone" kind: NOT_FOUND help: "Gone."}
    errors: {code: "gone" kind: CONFLICT help: "Gone."}
    errors: {code: "Odd" kind: CONFLICT}
  };
}
)");
  const std::vector<std::string> expected{std::string(kPath) + ":4: service Shop: the error code gone is there twice",
                                          std::string(kPath) + ":4: service Shop: expected an error code in kebab-case, not Odd",
                                          std::string(kPath) + ":4: service Shop: the error code Odd has no help"};
  EXPECT_EQ(found, expected);
}

TEST(Check, RefusesANameOtherThanThatOfThePackage) {
  const auto found = check_text(std::string(kHead) + "service Shop {\n  option (options.v1.service) = {name: \"store\"};\n}\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front(), std::string(kPath) + ":4: service Shop: expected the name shop of its package, not \"store\"");
}

TEST(Check, RefusesOtherPackagesAndForeignMessages) {
  const auto found = check_text(R"(syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
message A {
  google.protobuf.Timestamp at = 1;
}
)");
  ASSERT_EQ(found.size(), 2U) << join(found, "\n");
  EXPECT_EQ(found[0], std::string(kPath) + ":1: expected the package consilium.<service>.v<number>, not shop");
  EXPECT_TRUE(found[1].starts_with(std::string(kPath) + ":5: A.at: expected a message of our contracts, not google.protobuf.Timestamp"))
      << found[1];
}

TEST(Check, AcceptsARecursiveList) { EXPECT_TRUE(check_text(std::string(kHead) + "message A {\n  repeated A list = 1;\n}\n").empty()); }

// The contracts of the product: what may stand in a field follows from its type or from a rule, for every field that a caller fills.
class RequestRules {
 public:
  void visit(const Message& message) {
    if (!seen_.insert(&message).second) return;
    for (const Field& field : message.fields) {
      ++fields_;
      const bool many = field.shape == Shape::kList || field.shape == Shape::kMap;
      if (many && !field.rules.cleared() && field.rules.max_items() == 0)
        missing_.push_back(message.name + "." + field.name + ": max_items");
      if (!has_value_rule(field)) missing_.push_back(message.name + "." + field.name);
      if (field.message != nullptr) visit(*field.message);
    }
  }
  std::size_t fields() const { return fields_; }
  const std::vector<std::string>& missing() const { return missing_; }

 private:
  static bool has_value_rule(const Field& field) {
    switch (field.type) {
      case Type::kText:
        return field.rules.cleared() || field.rules.max_length() > 0 ||
               (field.rules.format() != options::NONE && field.rules.format() != options::NAME);
      case Type::kSecret:
      case Type::kJson:
      case Type::kBytes: return field.rules.max_length() > 0;
      default: return true;  // ids, dates, times, enums, numbers and flags are checked by their type; messages by their members
    }
  }

  std::set<const Message*> seen_;
  std::size_t fields_ = 0;
  std::vector<std::string> missing_;
};

TEST(Contracts, VA_1_EveryRequestOfTheProductHasRules) {
  const std::filesystem::path api = std::filesystem::path(CONSILIUM_SOURCE_DIR) / "api";
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(api / "consilium")) {
    const std::string path = std::filesystem::relative(entry.path(), api).string();
    if (path.ends_with(".proto") && path.find("/options/") == std::string::npos) paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  const ContractText contract({}, api.string(), paths);
  ASSERT_TRUE(contract.syntax_errors().empty()) << join(contract.syntax_errors(), "\n");
  EXPECT_EQ(check(contract.contract()), std::vector<std::string>());
  std::size_t calls = 0;
  RequestRules rules;
  for (const auto& file : contract.contract().files) {
    if (file->service() == nullptr) continue;
    for (const Call& call : file->service()->calls) {
      ++calls;
      rules.visit(*call.request);
    }
  }
  EXPECT_EQ(rules.missing(), std::vector<std::string>());
  EXPECT_GT(calls, 70U);
  EXPECT_GT(rules.fields(), 150U);
}

}  // namespace
}  // namespace consilium::generator
