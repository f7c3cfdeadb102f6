// JSON Schema (2020-12) of messages, fields and enums, as OpenAPI 3.1 and AsyncAPI 3.0 use it: the rules of the contract
// as keywords, and an example that keeps them.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>

#include "model.h"
#include "public_api.h"

namespace consilium::generator {

namespace json = boost::json;

using FieldFilter = std::function<bool(const Field&)>;

// `is_mandatory` decides `required`; fields that `shown` refuses are left out.
struct SchemaRules {
  std::function<bool(const Message&, const Field&)> is_mandatory;
  FieldFilter shown;
  bool closed = false;      // refuses other members
  bool takes_null = false;  // optional members may be null: a merge patch that clears them
};

json::object schema_of(const Enum& enumeration);
json::object schema_of(const Field& field);
json::object schema_of(const Message& message, const SchemaRules& rules);
// `{"$ref": "#/components/schemas/users.User"}`
json::object reference_to(const std::string& name);

// A message that keeps the rules: its messages are spelled out, optional members left out.
json::object example_of(const Message& message, const FieldFilter& shown);

// Two spaces a level, short lists of scalars on one line, ends with a newline.
std::string pretty(const json::value& value);

}  // namespace consilium::generator
