#include "compatibility.h"

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "contract_text_test.h"
#include "names.h"

namespace consilium::generator {
namespace {

constexpr const char* kPath = "consilium/shop/v1/shop.proto";
constexpr const char* kReleased = R"(syntax = "proto3";
package consilium.shop.v1;
import "consilium/options/v1/options.proto";
enum Color {
  COLOR_UNSPECIFIED = 0;
  COLOR_RED = 1;
  COLOR_BLUE = 2;
}
message BuyRequest {
  string id = 1 [(options.v1.field) = {format: UUID}];
  int32 count = 2 [(options.v1.field) = {max: 9}];
  optional string note = 3 [(options.v1.field) = {max_length: 50}];
}
message Bought {
  option (options.v1.event) = {name: "bought", key: "id"};
  string id = 1;
  Color color = 2;
}
service Shop {
  option (options.v1.service) = {name: "shop" errors: {code: "sold-out" kind: CONFLICT help: "None left."}};
  rpc Buy(BuyRequest) returns (Bought) {
    option (options.v1.call) = {post: "/things/{id}/buy" permission: "session"};
  }
}
)";

std::vector<std::string> changes_after(const std::string& what, const std::string& with) {
  const std::string changed = replace_all(kReleased, what, with);
  EXPECT_NE(changed, kReleased) << what;
  const ContractText released({{kPath, kReleased}}, "", {kPath});
  const ContractText current({{kPath, changed}}, "", {kPath});
  EXPECT_TRUE(current.syntax_errors().empty()) << join(current.syntax_errors(), "\n");
  return breaking_changes(released.contract(), current.contract());
}

struct Change {
  const char* name;
  const char* what;
  const char* with;
  const char* found;  // empty: compatible
};

const Change kChanges[] = {
    {"FieldRemoved", "  optional string note = 3 [(options.v1.field) = {max_length: 50}];\n", "",
     "field consilium.shop.v1.BuyRequest.note was removed"},
    {"FieldRenumbered", "string note = 3", "string note = 4", "field consilium.shop.v1.BuyRequest.note was renumbered from 3 to 4"},
    {"FieldRetyped", "int32 count", "int64 count",
     "field consilium.shop.v1.BuyRequest.count was retyped from std::int32_t (kInt32) to std::int64_t (kInt64)"},
    {"FieldBecameList", "  Color color", "  repeated Color color",
     "field consilium.shop.v1.Bought.color was retyped from ::consilium::shop::v1::Color (kEnum) to list of ::consilium::shop::v1::Color "
     "(kEnum)"},
    {"FieldRequired", "{max_length: 50}", "{max_length: 50, required: true}", "field consilium.shop.v1.BuyRequest.note became required"},
    {"FieldShorter", "{max_length: 50}", "{max_length: 49}", "field consilium.shop.v1.BuyRequest.note: max_length became smaller"},
    {"FieldSmaller", "{max: 9}", "{max: 8}", "field consilium.shop.v1.BuyRequest.count: max became smaller"},
    {"NewRequired", "message BuyRequest {\n", "message BuyRequest {\n  string who = 7 [(options.v1.field) = {required: true}];\n",
     "field consilium.shop.v1.BuyRequest.who is new and required"},
    {"EnumValueRemoved", "  COLOR_BLUE = 2;\n", "", "enum consilium.shop.v1.Color: the value blue was removed or renumbered"},
    {"EnumTextChanged", "COLOR_BLUE = 2", "COLOR_GREEN = 2", "enum consilium.shop.v1.Color: the value blue became green"},
    {"TopicRenamed", "name: \"bought\"", "name: \"sold\"", "topic shop.v1.bought (consilium.shop.v1.Bought) was removed"},
    {"RouteChanged", "/things/{id}/buy", "/things/{id}/purchase", "route POST /things/{id}/buy (consilium.shop.v1.Shop.Buy) was removed"},
    {"PermissionChanged", "permission: \"session\"", "permission: \"shop.buy\"", "route POST /things/{id}/buy: its permission was changed"},
    {"CallRemoved", "  rpc Buy(BuyRequest)", "  rpc Purchase(BuyRequest)", "call consilium.shop.v1.Shop.Buy was removed"},
    {"ErrorRemoved", "sold-out", "empty", "error shop.sold-out was removed"},
    {"ErrorKindChanged", "kind: CONFLICT", "kind: NOT_FOUND", "error shop.sold-out: its kind was changed"},
    {"FieldAdded", "message BuyRequest {\n", "message BuyRequest {\n  optional string who = 7;\n", ""},
    {"BoundWidened", "{max_length: 50}", "{max_length: 51}", ""},
    {"ValueAdded", "  COLOR_BLUE = 2;\n", "  COLOR_BLUE = 2;\n  COLOR_GREEN = 3;\n", ""},
    {"ErrorAdded", "help: \"None left.\"}", "help: \"None left.\"} errors: {code: \"closed\" kind: CONFLICT help: \"Closed.\"}", ""},
};

class Changes : public testing::TestWithParam<Change> {};

TEST_P(Changes, V_1_AreFound) {
  const auto found = changes_after(GetParam().what, GetParam().with);
  const std::vector<std::string> expected =
      GetParam().found[0] == '\0' ? std::vector<std::string>() : std::vector<std::string>{GetParam().found};
  EXPECT_EQ(found, expected);
}

INSTANTIATE_TEST_SUITE_P(Compatibility, Changes, testing::ValuesIn(kChanges),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(Compatibility, V_1_ReadsDescriptorSets) {
  const ContractText released({{kPath, kReleased}}, "", {kPath});
  google::protobuf::FileDescriptorSet set;
  const auto* file = released.files().front();
  const auto* options = file->dependency(0);
  for (const auto* one : {options->dependency(0), options, file}) one->CopyTo(set.add_file());
  std::string error;
  const ReleasedContract read = read_released(set.SerializeAsString(), error);
  EXPECT_EQ(error, "");
  EXPECT_TRUE(breaking_changes(read.contract, released.contract()).empty());
  const ContractText changed({{kPath, replace_all(kReleased, "string note = 3", "string note = 4")}}, "", {kPath});
  EXPECT_EQ(breaking_changes(read.contract, changed.contract()).size(), 1U);
}

TEST(Compatibility, RefusesWhatIsNoDescriptorSet) {
  std::string error;
  read_released("\xff\xff", error);
  EXPECT_EQ(error, "not a descriptor set");
}

}  // namespace
}  // namespace consilium::generator
