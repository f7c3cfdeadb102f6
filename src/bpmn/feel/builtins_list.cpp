#include <algorithm>

#include "bpmn/feel/builtins.h"
#include "bpmn/feel/comparison.h"
#include "bpmn/feel/evaluator.h"

namespace consilium::bpmn::feel {
namespace {

// False too when there has been too much work.
bool same(Call& call, const Value& a, const Value& b) { return call.machine().spend_on_comparing(a, b) && equal(a, b).value_or(false); }

// A list given as one argument, or the arguments themselves.
std::span<const Value> items_of(Call& call) {
  if (call.size() == 1 && call[0].list()) return *call[0].list();
  return call.arguments();
}

// The list that is the argument, and a single value as a list of one; null pointer: it is null.
const List* list_at(Call& call, std::size_t index, List& single) {
  if (call[index].list()) return call[index].list();
  if (call[index].is_null()) return nullptr;
  single = {call[index]};
  return &single;
}

std::optional<std::int64_t> whole_at(Call& call, std::size_t index) {
  const auto whole = call[index].number() ? call[index].number()->rounded_to(0, Decimal::Rounding::kDown) : std::nullopt;
  return whole ? whole->to_integer() : std::nullopt;
}

// A position from 1, or negative from the end, as an index; nullopt: it is outside of a list of that size.
std::optional<std::size_t> index_of(std::optional<std::int64_t> position, std::size_t size) {
  const auto length = static_cast<std::int64_t>(size);
  if (!position || *position == 0 || *position > length || *position < -length) return std::nullopt;
  return static_cast<std::size_t>(*position > 0 ? *position - 1 : length + *position);
}

Value count(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  return list ? Value(static_cast<std::int64_t>(list->size())) : call.fail("expected a list");
}

Value list_contains(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  if (!list) return call.fail("expected a list first");
  for (const Value& item : *list) {
    if (same(call, item, call[1])) return true;
    if (call.machine().gave_up()) return {};
  }
  return false;
}

// ---- numbers

template <class Fold>
Value folded(Call& call, Fold fold) {
  std::optional<Decimal> result;
  for (const Value& item : items_of(call)) {
    if (!item.number()) return call.fail("expected numbers only");
    result = result ? fold(*result, *item.number()) : *item.number();
    if (!result) return call.fail("number out of range");
  }
  return result ? Value(*result) : Value();
}

Value durations_summed(Call& call, std::span<const Value> items) {
  Value total = items.front();
  for (const Value& item : items.subspan(1)) {
    if (!call.machine().spend(1)) return {};
    if (item.kind() != total.kind()) return call.fail("expected numbers only, or durations of one kind");
    total = calculate(call.machine(), Operator::kAdd, total, item);
  }
  return total;
}

Value sum(Call& call) {
  const auto items = items_of(call);
  if (!items.empty() && (items.front().day_time_duration() || items.front().year_month_duration())) return durations_summed(call, items);
  return folded(call, [](const Decimal& a, const Decimal& b) { return Decimal::add(a, b); });
}

Value product(Call& call) {
  return folded(call, [](const Decimal& a, const Decimal& b) { return Decimal::multiply(a, b); });
}

// The least of the values, or the greatest.
Value extreme(Call& call, bool greatest) {
  const auto items = items_of(call);
  if (items.empty()) return {};
  const Value* best = &items.front();
  for (const Value& item : items) {
    if (!call.machine().spend_on_comparing(item, *best)) return {};
    const auto order = compare(item, *best);
    if (!order) return call.fail("expected values of one type that have an order");
    if (greatest ? *order > 0 : *order < 0) best = &item;
  }
  return *best;
}
Value smallest(Call& call) { return extreme(call, false); }
Value largest(Call& call) { return extreme(call, true); }

std::optional<std::vector<Decimal>> numbers_of(Call& call) {
  std::vector<Decimal> numbers;
  if (!call.machine().spend(static_cast<std::int64_t>(items_of(call).size()) / 4)) return std::nullopt;
  for (const Value& item : items_of(call)) {
    if (!item.number()) {
      call.fail("expected numbers only");
      return std::nullopt;
    }
    numbers.push_back(*item.number());
  }
  return numbers;
}

std::optional<Decimal> mean_of(const std::vector<Decimal>& numbers) {
  std::optional<Decimal> total = Decimal();
  for (const Decimal& number : numbers) {
    total = Decimal::add(*total, number);
    if (!total) return std::nullopt;
  }
  return Decimal::divide(*total, Decimal(static_cast<std::int64_t>(numbers.size())));
}

Value mean(Call& call) {
  const auto numbers = numbers_of(call);
  if (!numbers || numbers->empty()) return {};
  const auto result = mean_of(*numbers);
  return result ? Value(*result) : call.fail("number out of range");
}

Value median(Call& call) {
  auto numbers = numbers_of(call);
  if (!numbers || numbers->empty()) return {};
  std::sort(numbers->begin(), numbers->end());
  const std::size_t middle = numbers->size() / 2;
  if (numbers->size() % 2 == 1) return (*numbers)[middle];
  const auto result = mean_of({(*numbers)[middle - 1], (*numbers)[middle]});
  return result ? Value(*result) : call.fail("number out of range");
}

// Of the sample, as the standard defines it: divided by one less than there are.
Value deviation(Call& call) {
  const auto numbers = numbers_of(call);
  if (!numbers || numbers->size() < 2) return call.fail("expected two numbers at least");
  const auto middle = mean_of(*numbers);
  std::optional<Decimal> total = middle ? std::optional(Decimal()) : std::nullopt;
  for (const Decimal& number : *numbers) {
    const auto distance = total ? Decimal::subtract(number, *middle) : std::nullopt;
    const auto square = distance ? Decimal::multiply(*distance, *distance) : std::nullopt;
    total = square ? Decimal::add(*total, *square) : std::nullopt;
  }
  const auto variance = total ? Decimal::divide(*total, Decimal(static_cast<std::int64_t>(numbers->size() - 1))) : std::nullopt;
  const auto result = variance ? variance->square_root() : std::nullopt;
  return result ? Value(*result) : call.fail("number out of range");
}

// The values that occur most often, in rising order.
Value mode(Call& call) {
  auto numbers = numbers_of(call);
  if (!numbers) return {};
  std::sort(numbers->begin(), numbers->end());
  std::size_t most = 0;
  List found;
  for (std::size_t i = 0; i < numbers->size();) {
    std::size_t end = i;
    while (end < numbers->size() && (*numbers)[end] == (*numbers)[i]) ++end;
    if (end - i > most) found.clear();
    if (end - i >= most) found.emplace_back((*numbers)[i]);
    most = std::max(most, end - i);
    i = end;
  }
  return found;
}

// ---- booleans

// `all` is settled by one false, `any` by one true.
Value settled(Call& call, bool decisive) {
  if (call.size() == 1 && call[0].is_null()) return call.fail("expected a list of booleans");
  bool unknown = false;
  for (const Value& item : items_of(call)) {
    if (item.boolean() && *item.boolean() == decisive) return decisive;
    unknown = unknown || !item.boolean();
  }
  return unknown ? call.fail("expected booleans only") : Value(!decisive);
}
Value all(Call& call) { return settled(call, false); }
Value any(Call& call) { return settled(call, true); }

// ---- lists from lists

Value sublist(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  if (!list) return call.fail("expected a list first");
  const auto start = index_of(whole_at(call, 1), list->size());
  if (!start) return call.fail("the start lies outside of the list");
  std::size_t count = list->size() - *start;
  if (call.has(2)) {
    const auto given = whole_at(call, 2);
    if (!given || *given < 1 || static_cast<std::size_t>(*given) > count) return call.fail("the length reaches out of the list");
    count = static_cast<std::size_t>(*given);
  }
  if (!call.machine().spend(static_cast<std::int64_t>(count) / kItemsOfAStep)) return {};
  const auto begin = list->begin() + static_cast<std::ptrdiff_t>(*start);
  return List(begin, begin + static_cast<std::ptrdiff_t>(count));
}

Value append(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  List result = list ? *list : List();
  if (!list) return call.fail("expected a list first");
  result.insert(result.end(), call.arguments().begin() + 1, call.arguments().end());
  return result;
}

// Null: one of the arguments is.
std::optional<List> joined(Call& call) {
  List result;
  for (std::size_t i = 0; i < call.size(); ++i) {
    List single;
    const List* list = list_at(call, i, single);
    if (!list) {
      call.fail("expected lists");
      return std::nullopt;
    }
    // The same list may be given many times: what comes of it is measured before it is there.
    if (result.size() + list->size() > kMaxValueWeight) {
      call.machine().give_up();
      return std::nullopt;
    }
    result.insert(result.end(), list->begin(), list->end());
  }
  return result;
}

Value concatenate(Call& call) {
  auto result = joined(call);
  return result ? Value(std::move(*result)) : Value();
}

// Each value once, as it first occurs; `Keep` says which counts are wanted.
template <class Keep>
List counted(Call& call, const List& list, Keep keep) {
  std::vector<std::pair<const Value*, std::size_t>> seen;
  for (const Value& item : list) {
    if (!call.machine().spend(1 + static_cast<std::int64_t>(seen.size()) / 16)) return {};
    const auto found = std::find_if(seen.begin(), seen.end(), [&](const auto& known) { return same(call, *known.first, item); });
    if (call.machine().gave_up()) return {};
    if (found == seen.end())
      seen.emplace_back(&item, 1);
    else
      ++found->second;
  }
  List result;
  for (const auto& [item, count] : seen) {
    if (keep(count)) result.push_back(*item);
  }
  return result;
}

Value unite(Call& call) {
  const auto list = joined(call);
  if (!list) return {};
  return counted(call, *list, [](std::size_t) { return true; });
}

Value distinct_values(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  if (!list) return call.fail("expected a list");
  return counted(call, *list, [](std::size_t) { return true; });
}

Value duplicate_values(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  if (!list) return call.fail("expected a list");
  return counted(call, *list, [](std::size_t count) { return count > 1; });
}

Value insert_before(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  if (!list) return call.fail("expected a list first");
  const auto at = index_of(whole_at(call, 1), list->size());
  if (!at) return call.fail("the position lies outside of the list");
  List result = *list;
  result.insert(result.begin() + static_cast<std::ptrdiff_t>(*at), call[2]);
  return result;
}

Value remove(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  if (!list) return call.fail("expected a list first");
  const auto at = index_of(whole_at(call, 1), list->size());
  if (!at) return call.fail("the position lies outside of the list");
  List result = *list;
  result.erase(result.begin() + static_cast<std::ptrdiff_t>(*at));
  return result;
}

Value replace_by_match(Call& call, const List& list, const std::shared_ptr<const Function>& match) {
  List result;
  for (const Value& item : list) {
    const Value arguments[] = {item, call[2]};
    const Value verdict = call.machine().call(match, arguments);
    if (!verdict.boolean()) return call.fail("the function that matches gives no boolean");
    result.push_back(*verdict.boolean() ? call[2] : item);
  }
  return result;
}

Value list_replace(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  if (!list) return call.fail("expected a list first");
  if (call.names("position") && call[1].function()) return call.fail("a position is a number");
  if (call.names("match") && !call[1].function()) return call.fail("what matches is a function");
  if (call[1].function()) return replace_by_match(call, *list, *call[1].function());
  const auto at = index_of(whole_at(call, 1), list->size());
  if (!at) return call.fail("the position lies outside of the list");
  List result = *list;
  result[*at] = call[2];
  return result;
}

Value reverse(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  return list ? Value(List(list->rbegin(), list->rend())) : call.fail("expected a list");
}

Value index_of_match(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  if (!list) return call.fail("expected a list first");
  List result;
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (same(call, (*list)[i], call[1])) result.emplace_back(static_cast<std::int64_t>(i + 1));
    if (call.machine().gave_up()) return {};
  }
  return result;
}

bool flatten_into(Machine& machine, const List& list, List& out) {
  const Machine::Level level(machine);
  if (level.too_deep()) return false;
  for (const Value& item : list) {
    if (!machine.spend(1)) return false;
    if (!item.list())
      out.push_back(item);
    else if (!flatten_into(machine, *item.list(), out))
      return false;
  }
  return true;
}

Value flatten(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  if (!list) return call.fail("expected a list");
  List result;
  flatten_into(call.machine(), *list, result);
  return result;
}

// Merging keeps its promises whatever the function says.
template <class Before>
void merge_sort(List& items, List& spare, std::size_t from, std::size_t to, Before& before) {
  if (to - from < 2) return;
  const std::size_t middle = from + (to - from) / 2;
  merge_sort(items, spare, from, middle, before);
  merge_sort(items, spare, middle, to, before);
  std::size_t left = from, right = middle;
  for (std::size_t at = from; at < to; ++at) {
    const bool take_right = left == middle || (right < to && before(items[right], items[left]));
    spare[at] = items[take_right ? right++ : left++];
  }
  std::copy(spare.begin() + static_cast<std::ptrdiff_t>(from), spare.begin() + static_cast<std::ptrdiff_t>(to),
            items.begin() + static_cast<std::ptrdiff_t>(from));
}

Value sort(Call& call) {
  // Both orders of the arguments are common.
  const std::size_t which = call[0].function() ? 1 : 0;
  List single;
  const List* list = list_at(call, which, single);
  if (!list) return call.fail("expected a list");
  bool fits = true;
  const auto before = [&](const Value& a, const Value& b) {
    if (!call.machine().spend(1)) return false;
    if (call.size() == 1) {
      if (!call.machine().spend_on_comparing(a, b)) return false;
      const auto order = compare(a, b);
      fits = fits && order;
      return order && *order < 0;
    }
    const auto* precedes = call[1 - which].function();
    const Value arguments[] = {a, b};
    const Value verdict = precedes ? call.machine().call(*precedes, arguments) : Value();
    fits = fits && verdict.boolean();
    return verdict.boolean() && *verdict.boolean();
  };
  List result = *list;
  List spare(result.size());
  merge_sort(result, spare, 0, result.size(), before);
  return fits ? Value(std::move(result)) : call.fail("the values have no order, or the function gives no boolean");
}

Value partition(Call& call) {
  List single;
  const List* list = list_at(call, 0, single);
  const auto size = whole_at(call, 1);
  if (!list || !size || *size < 1) return call.fail("expected a list and a size from 1");
  List result;
  for (std::size_t at = 0; at < list->size(); at += static_cast<std::size_t>(*size)) {
    const auto end = std::min(list->size(), at + static_cast<std::size_t>(std::min<std::int64_t>(*size, 1 << 30)));
    result.emplace_back(List(list->begin() + static_cast<std::ptrdiff_t>(at), list->begin() + static_cast<std::ptrdiff_t>(end)));
    if (end == list->size()) break;
  }
  return result;
}

Value is_empty(Call& call) { return call[0].list() ? Value(call[0].list()->empty()) : call.fail("expected a list"); }

constexpr Builtin kTable[] = {{"count", "list", count, Reads::kOutside},
                              {"list contains", "list, element", list_contains},
                              {"sum", "list | n...", sum},
                              {"product", "list | n...", product},
                              {"min", "list | c...", smallest},
                              {"max", "list | c...", largest},
                              {"mean", "list | n...", mean},
                              {"median", "list | n...", median},
                              {"stddev", "list | n...", deviation},
                              {"mode", "list | n...", mode},
                              {"all", "list | b...", all},
                              {"any", "list | b...", any},
                              {"sublist", "list, start position, length?", sublist, Reads::kOutside},
                              {"append", "list, item...", append},
                              {"concatenate", "list...", concatenate},
                              {"union", "list...", unite},
                              {"distinct values", "list", distinct_values},
                              {"duplicate values", "list", duplicate_values},
                              {"insert before", "list, position, newItem", insert_before},
                              {"remove", "list, position", remove},
                              {"list replace", "list, position, newItem | list, match, newItem", list_replace},
                              {"reverse", "list", reverse},
                              {"index of", "list, match", index_of_match},
                              {"flatten", "list", flatten, Reads::kOutside},
                              {"sort", "list, precedes?", sort},
                              {"partition", "list, size", partition},
                              {"is empty", "list", is_empty, Reads::kOutside}};

}  // namespace

std::span<const Builtin> list_builtins() { return kTable; }

}  // namespace consilium::bpmn::feel
