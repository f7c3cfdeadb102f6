// Relations between points and ranges, after Allen's algebra.
#include "bpmn/feel/builtins.h"
#include "bpmn/feel/comparison.h"
#include "bpmn/feel/evaluator.h"
#include "bpmn/feel/parser.h"

namespace consilium::bpmn::feel {
namespace {

// A point as the range that holds it alone.
struct Extent {
  Range range;
  bool is_point = false;
};

std::optional<Extent> extent_at(Call& call, std::size_t index) {
  const Value& value = call[index];
  if (value.range()) return Extent{*value.range(), false};
  if (value.is_null() || !compare(value, value)) return std::nullopt;
  return Extent{{value, value, true, true}, true};
}

// How two ends lie to each other; an open end counts as infinitely far. What does not compare makes `fits` false.
class Ends {
 public:
  Ends(const Extent& a, const Extent& b) : a_(a.range), b_(b.range) {}

  bool fits() const { return fits_; }

  int starts() { return order(a_.start, b_.start, -1); }
  int ends() { return order(a_.end, b_.end, 1); }
  // The end of the first against the start of the second.
  int end_to_start() {
    if (a_.end.is_null() || b_.start.is_null()) return 1;
    return order(a_.end, b_.start, 0);
  }
  int start_to_end() {
    if (a_.start.is_null() || b_.end.is_null()) return -1;
    return order(a_.start, b_.end, 0);
  }

 private:
  int order(const Value& left, const Value& right, int open) {
    if (left.is_null() && right.is_null()) return 0;
    if (left.is_null()) return open;
    if (right.is_null()) return -open;
    const auto found = compare(left, right);
    if (!found) {
      fits_ = false;
      return 0;
    }
    return *found < 0 ? -1 : *found > 0 ? 1 : 0;
  }

  const Range& a_;
  const Range& b_;
  bool fits_ = true;
};

enum class Wanted { kAny, kRanges, kRangeSecond, kRangeFirst, kSame };

template <class Relation>
Value related(Call& call, Wanted wanted, Relation relation) {
  const auto a = extent_at(call, 0), b = extent_at(call, 1);
  if (!a || !b) return call.fail("expected points or ranges");
  const bool shape = wanted == Wanted::kAny || (wanted == Wanted::kRanges && !a->is_point && !b->is_point) ||
                     (wanted == Wanted::kRangeSecond && !b->is_point) || (wanted == Wanted::kRangeFirst && !a->is_point) ||
                     (wanted == Wanted::kSame && a->is_point == b->is_point);
  if (!shape) return call.fail("expected a range where a point is");
  Ends ends(*a, *b);
  const bool verdict = relation(a->range, b->range, ends);
  return ends.fits() ? Value(verdict) : call.fail("the values do not compare");
}

bool is_before(const Range& a, const Range& b, Ends& ends) {
  const int order = ends.end_to_start();
  return order < 0 || (order == 0 && !(a.end_included && b.start_included));
}
bool is_after(const Range& a, const Range& b, Ends& ends) {
  const int order = ends.start_to_end();
  return order > 0 || (order == 0 && !(a.start_included && b.end_included));
}
// Whether the first begins no later, or the second no later than the first.
bool starts_first(const Range& a, const Range& b, int order) {
  return order < 0 || (order == 0 && (a.start_included || !b.start_included));
}
bool ends_last(const Range& a, const Range& b, int order) { return order > 0 || (order == 0 && (a.end_included || !b.end_included)); }

Value before(Call& call) { return related(call, Wanted::kAny, is_before); }
Value after(Call& call) { return related(call, Wanted::kAny, is_after); }

Value meets(Call& call) {
  return related(call, Wanted::kRanges,
                 [](const Range& a, const Range& b, Ends& ends) { return ends.end_to_start() == 0 && a.end_included && b.start_included; });
}
Value met_by(Call& call) {
  return related(call, Wanted::kRanges,
                 [](const Range& a, const Range& b, Ends& ends) { return ends.start_to_end() == 0 && a.start_included && b.end_included; });
}
Value overlaps(Call& call) {
  return related(call, Wanted::kRanges,
                 [](const Range& a, const Range& b, Ends& ends) { return !is_before(a, b, ends) && !is_after(a, b, ends); });
}
Value overlaps_before(Call& call) {
  return related(call, Wanted::kRanges, [](const Range& a, const Range& b, Ends& ends) {
    const int starts = ends.starts(), end = ends.ends();
    const bool begins_earlier = starts < 0 || (starts == 0 && a.start_included && !b.start_included);
    const bool ends_no_later = end < 0 || (end == 0 && (!a.end_included || b.end_included));
    return begins_earlier && ends_no_later && !is_before(a, b, ends);
  });
}
Value overlaps_after(Call& call) {
  return related(call, Wanted::kRanges, [](const Range& a, const Range& b, Ends& ends) {
    const int starts = ends.starts(), end = ends.ends();
    const bool begins_no_earlier = starts > 0 || (starts == 0 && (!a.start_included || b.start_included));
    const bool ends_later = end > 0 || (end == 0 && a.end_included && !b.end_included);
    return begins_no_earlier && ends_later && !is_after(a, b, ends);
  });
}
Value includes(Call& call) {
  return related(call, Wanted::kRangeFirst, [](const Range& a, const Range& b, Ends& ends) {
    return starts_first(a, b, ends.starts()) && ends_last(a, b, ends.ends());
  });
}
Value during(Call& call) {
  return related(call, Wanted::kRangeSecond, [](const Range& a, const Range& b, Ends& ends) {
    return starts_first(b, a, -ends.starts()) && ends_last(b, a, -ends.ends());
  });
}
Value starts(Call& call) {
  return related(call, Wanted::kRangeSecond, [](const Range& a, const Range& b, Ends& ends) {
    return ends.starts() == 0 && a.start_included == b.start_included && ends_last(b, a, -ends.ends());
  });
}
Value started_by(Call& call) {
  return related(call, Wanted::kRangeFirst, [](const Range& a, const Range& b, Ends& ends) {
    return ends.starts() == 0 && a.start_included == b.start_included && ends_last(a, b, ends.ends());
  });
}
Value finishes(Call& call) {
  return related(call, Wanted::kRangeSecond, [](const Range& a, const Range& b, Ends& ends) {
    return ends.ends() == 0 && a.end_included == b.end_included && starts_first(b, a, -ends.starts());
  });
}
Value finished_by(Call& call) {
  return related(call, Wanted::kRangeFirst, [](const Range& a, const Range& b, Ends& ends) {
    return ends.ends() == 0 && a.end_included == b.end_included && starts_first(a, b, ends.starts());
  });
}
Value coincides(Call& call) {
  return related(call, Wanted::kSame, [](const Range& a, const Range& b, Ends& ends) {
    return ends.starts() == 0 && ends.ends() == 0 && a.start_included == b.start_included && a.end_included == b.end_included;
  });
}

// An end of a range that is given as text: a literal, or a call that makes a date, time or duration of one.
bool is_constant(const Ast& ast, std::uint32_t index) {
  const Node& node = ast.nodes[index];
  if (node.kind == NodeKind::kLiteral) return node.literal.kind() != Kind::kBoolean;
  if (node.kind == NodeKind::kNegate) return is_constant(ast, node.children[0]);
  static constexpr std::string_view kMakers[] = {"date", "time", "date and time", "duration"};
  if (node.kind != NodeKind::kCall || !node.builtin) return false;
  if (std::find(std::begin(kMakers), std::end(kMakers), node.builtin->name) == std::end(kMakers)) return false;
  return std::all_of(node.children.begin(), node.children.end(), [&](std::uint32_t child) { return is_constant(ast, child); });
}

Value to_range(Call& call) {
  const std::string* text = call[0].string();
  if (!text) return call.fail("expected a text");
  if (!call.machine().spend(static_cast<std::int64_t>(text->size()))) return {};  // to parse it
  ParseOptions options;
  options.strict = false;
  const auto tree = parse_tree(*text, options);
  if (!tree) return call.fail("expected a range such as [1..5]");
  const Node& root = (*tree)->nodes[(*tree)->root];
  if (root.kind != NodeKind::kRange || root.negated || !is_constant(**tree, root.children[0]) || !is_constant(**tree, root.children[1]))
    return call.fail("expected a range of literals such as [1..5]");
  const Context nothing;
  Value made = call.machine().evaluate(*tree, ContextScope(nothing));
  if (!made.range()) return {};
  const Range& range = *made.range();
  if (!range.start.is_null() && !range.end.is_null() && *compare(range.start, range.end) > 0)
    return call.fail("the range ends before it begins");
  return made;
}

constexpr Builtin kTable[] = {{"before", "point1, point2 | point, range | range, point | range1, range2", before},
                              {"after", "point1, point2 | point, range | range, point | range1, range2", after},
                              {"meets", "range1, range2", meets},
                              {"met by", "range1, range2", met_by},
                              {"overlaps", "range1, range2", overlaps},
                              {"overlaps before", "range1, range2", overlaps_before},
                              {"overlaps after", "range1, range2", overlaps_after},
                              {"finishes", "point, range | range1, range2", finishes},
                              {"finished by", "range, point | range1, range2", finished_by},
                              {"includes", "range, point | range1, range2", includes},
                              {"during", "point, range | range1, range2", during},
                              {"starts", "point, range | range1, range2", starts},
                              {"started by", "range, point | range1, range2", started_by},
                              {"coincides", "point1, point2 | range1, range2", coincides},
                              {"range", "from", to_range}};

}  // namespace

std::span<const Builtin> range_builtins() { return kTable; }

}  // namespace consilium::bpmn::feel
