// How FEEL compares values. An empty result is null: they are of types that do not compare.
#pragma once

#include <compare>
#include <optional>

#include "bpmn/feel/value.h"

namespace consilium::bpmn::feel {

std::optional<bool> equal(const Value& left, const Value& right);
std::optional<std::strong_ordering> compare(const Value& left, const Value& right);
// Whether the value lies in the range; empty: they do not compare.
std::optional<bool> contains(const Range& range, const Value& value);

}  // namespace consilium::bpmn::feel
