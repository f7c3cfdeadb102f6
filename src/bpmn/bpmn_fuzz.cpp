// Fuzzes what reads bytes from outside: models, expressions, JSON, numbers, journal records and checkpoints. libFuzzer, or with
// CONSILIUM_FUZZ_BODY the body alone for the unit tests.
#include <cmath>
#include <set>
#include <string>
#include <string_view>

#include "base/fuzz_testing.h"
#include "bpmn/engine/codec.h"
#include "bpmn/engine/engine.h"
#include "bpmn/engine/test_model.h"
#include "bpmn/feel/evaluator.h"
#include "bpmn/feel/expression.h"
#include "bpmn/feel/parser.h"
#include "bpmn/journal/steps.h"
#include "bpmn/model/reader.h"
#include "bpmn/model/timer_text.h"

namespace consilium::bpmn {
namespace {

void check_process(const model::Process& process) {
  require(!process.id.empty() && process.by_id.size() == process.elements.size() && process.flow_by_id.size() == process.flows.size());
  for (const model::Element& element : process.elements) {
    require(process.elements[process.by_id.at(element.id)].id == element.id && element.id.size() <= model::kMaxIdBytes);
    require(!model::name_of(element.kind).empty() && element.scope < process.elements.size());
    for (const model::FlowIndex flow : element.outgoing) require(process.elements[process.flows[flow].source].id == element.id);
    for (const model::FlowIndex flow : element.incoming) require(process.elements[process.flows[flow].target].id == element.id);
    for (const model::ElementIndex event : element.boundary_events) require(process.elements[event].scope == element.scope);
  }
}

void fuzz_model(std::string_view xml) {
  const auto read = model::read_model("fuzz.bpmn", xml);
  static const std::set<std::string, std::less<>> known = {"work"};
  const auto strict = model::read_model("fuzz.bpmn", xml, {&known});
  require(read || !strict);
  if (read) {
    for (const model::ProcessPointer& process : *read) check_process(*process);
    // What is accepted must run: a few commands on it, whatever they give.
    engine::Engine engine;
    const auto deployed = engine.execute(engine::Deploy{{{"fuzz.bpmn", std::string(xml)}}}, Timestamp{0});
    if (deployed.rejection) return;
    auto started = engine.execute(engine::CreateInstance{read->front()->id, 0, {}, ""}, Timestamp{0});
    for (int i = 0; i < 3 && !started.to_continue.empty(); ++i)
      started.to_continue = engine.execute(engine::Continue{started.to_continue.back()}, Timestamp{0}).to_continue;
    if (engine.state().instance(started.key)) engine.execute(engine::CancelInstance{started.key}, Timestamp{1});
  } else {
    require(!read.error().empty() && read.error().size() <= model::kMaxFindings + 1);
    for (const model::Finding& finding : read.error()) require(finding.file == "fuzz.bpmn" && !finding.message.empty());
  }
}

void fuzz_expression(std::string_view text) {
  const auto expression = feel::Expression::parse(text);
  if (!expression) {
    require(expression.error().position <= text.size());
    return;
  }
  require(expression->source() == text && !expression->empty() && !expression->is_static());
  const auto attribute = feel::Expression::parse_attribute("=" + std::string(text));
  require(attribute && attribute->source() == text);
  const auto constant = feel::Expression::parse_attribute("x" + std::string(text));
  require(constant && constant->is_static() && constant->text() == "x" + std::string(text));
  static const feel::Context variables = *feel::parse_variables(R"({"a": 1, "b": "x", "c": {"d": [1, 2, 3]}, "n": null, "t": true})");
  const auto first = expression->evaluate(feel::ContextScope(variables));
  const auto second = expression->evaluate(feel::ContextScope(variables));
  require(feel::to_json(first.value) == feel::to_json(second.value) && first.problems.size() <= feel::kMaxProblems);
  require(!first.value.type_name().empty() && (!first.gave_up || first.value.is_null()));
  require(feel::parse_json(feel::to_json(first.value)).has_value() || first.value.depth() > feel::kMaxJsonDepth);
  // What is printed reads the same, unless its parentheses are too many.
  const std::string printed = feel::print(*expression->tree());
  const auto again = feel::Expression::parse(printed);
  if (!again) return require(again.error().message.find("too") != std::string::npos || printed.size() > feel::kMaxExpressionBytes);
  require(feel::print(*again->tree()) == printed);
}

// The tests of a cell of a decision table, in a scope whose names are known.
void fuzz_tests(std::string_view text) {
  static const feel::NameSet names = [] {
    feel::NameSet made;
    for (const char* name : {"a", "first name", "a-b", "x + y"}) made.add(name);
    return made;
  }();
  const feel::ParseOptions options{&names, &names, {}, false};
  static const feel::Context scope =
      *feel::parse_variables(R"({"a": 1, "first name": "x", "a-b": [1, 2], "x + y": {"a": {"first name": 2}}})");
  if (const auto type = feel::parse_type(text, options))
    require(!feel::describe(**type).empty() || (*type)->kind == feel::Type::Kind::kUnknown);
  const auto tests = feel::parse_tests(text, options);
  if (!tests) return require(tests.error().position <= text.size());
  for (const feel::Value& input : {feel::Value(), feel::Value(2), feel::Value("x"), feel::Value(feel::List{1, "x"})}) {
    const feel::Environment nothing;
    feel::Machine machine(nothing);
    const feel::Value verdict = machine.test(*tests, input, feel::ContextScope(scope));
    require(verdict.is_null() || verdict.boolean() != nullptr);
    require(machine.problems().size() <= feel::kMaxProblems);
  }
}

void check_number(const feel::Decimal& number) {
  require(feel::Decimal::parse(number.text()) == number && number.negated().negated() == number);
  if (const auto whole = number.to_integer()) require(feel::Decimal(*whole) == number && number.is_whole());
  require(!std::isnan(number.to_double()) && number.floor() <= number && number <= number.ceiling());
  require(number.is_zero() || number.is_negative() == (number < feel::Decimal()));
}

// Two numbers, a line each.
void fuzz_numbers(std::string_view text) {
  using feel::Decimal;
  const auto [first, second] = split_line(text);
  const auto a = Decimal::parse(first);
  const auto b = Decimal::parse(second);
  if (a) check_number(*a);
  if (!a || !b) return;
  check_number(*b);
  require(Decimal::add(*a, *b) == Decimal::add(*b, *a) && Decimal::multiply(*a, *b) == Decimal::multiply(*b, *a));
  require((*a < *b) == (*b > *a) && (*a == *b) == ((*a <=> *b) == std::strong_ordering::equal));
  if (const auto difference = Decimal::subtract(*a, *b))
    require(difference->is_zero() == (*a == *b) && difference->is_negative() == (*a < *b));
  if (const auto quotient = Decimal::divide(*a, *b)) check_number(*quotient);
  if (const auto power = Decimal::power(*a, *b)) check_number(*power);
  require(!Decimal::divide(*a, Decimal()));
}

// What a timer may say.
void fuzz_timer(std::string_view text) {
  const Timestamp earliest = start_of({0, 1, 1}), latest = start_of({10'000, 1, 1}), now = start_of({2026, 1, 1});
  const auto is_known = [&](Timestamp time) { return time >= earliest && time < latest; };
  if (const auto moment = model::parse_moment(text)) require(is_known(*moment));
  if (const auto period = model::parse_period(text)) require(is_known(model::later_by(now, *period)));
  const auto cycle = model::parse_cycle(text);
  if (const auto cron = model::Cron::parse(text)) require(cycle.has_value() == cron->next(Timestamp{}).has_value());
  if (!cycle) return;
  require(cycle->repetitions >= -1 && !(cycle->cron && cycle->start));
  const auto first = cycle->first(now);
  if (!first) return require(cycle->cron.has_value());
  require(is_known(*first) && (!cycle->cron || *first > now));
  const auto next = cycle->next(*first);
  if (cycle->cron && next) require(*next > *first && next->microseconds % 1'000'000 == 0 && cycle->next(*next - seconds(1)) == next);
}

void fuzz_json(std::string_view text) {
  const auto value = feel::parse_json(text);
  if (!value) return;
  const std::string written = feel::to_json(*value);
  const auto again = feel::parse_json(written, written.size());
  require(again && *again == *value && feel::to_json(*again) == written);
  require(feel::parse_variables(text).has_value() == (value->is_null() || value->context() != nullptr));
  if (const auto* number = value->number()) check_number(*number);
}

void fuzz_record(std::string_view bytes) {
  const auto record = engine::decode_record(bytes);
  if (!record) return;
  const std::string written = engine::encode_record(*record);
  const auto again = engine::decode_record(written);
  require(again && engine::encode_record(*again) == written);
}

void fuzz_steps(std::string_view bytes) {
  const auto steps = journal::decode_steps(bytes);
  if (!steps) return;
  const std::string written = journal::encode_steps(*steps);
  const auto again = journal::decode_steps(written);
  require(again && journal::encode_steps(*again) == written && again->last() == steps->last());
}

// What the rows of the corpus are of.
std::string checkpoint_model() {
  using engine::TestModel;
  const std::string loop = TestModel::loop("inputCollection='=[1,2]' outputCollection='all' outputElement='=1'");
  TestModel model;
  model.start().task("t", "work").boundary_timer("late", "t", "PT5S").parallel("j").catch_timer("wait", "PT1M").end();
  model.catch_message("hear", "m", "k").start_on("daily", TestModel::on_timer("R/P1D", "timeCycle"));
  model.activity("serviceTask", "each", "<z:taskDefinition type='each'/>", "", loop);
  model.compensated_by("undone", "each", "undo").handler("undo", "undo").throw_on("back", TestModel::on_compensation());
  model.flow("start", "t").flow("t", "j").flow("late", "j").flow("j", "wait").flow("wait", "hear").flow("hear", "each");
  return model.flow("daily", "each").flow("each", "back").flow("back", "end").xml();
}

void fuzz_checkpoint(std::string_view bytes) {
  static const engine::State* const state = [] {
    auto* made = new engine::State();
    require(made->restore_definition(engine::make_key(1, 1), "p", 1, "m.bpmn", checkpoint_model()).has_value());
    return made;
  }();
  if (const auto timer = engine::decode_start_timer(*state, bytes)) {
    engine::State own;
    own.restore_start_timer(*timer);
    require(engine::decode_start_timer(*state, engine::encode_start_timer(*timer)).has_value() && !engine::snapshot(own).empty());
  }
  if (const auto instance = engine::decode_instance(*state, bytes)) {
    const std::string written = engine::encode_instance(*instance);
    const auto again = engine::decode_instance(*state, written);
    require(again && engine::encode_instance(*again) == written);
  }
  if (const auto decisions = engine::decode_requirements(bytes)) {
    require(engine::encode_requirements(*decisions) == bytes || engine::decode_requirements(engine::encode_requirements(*decisions)));
    engine::State own;
    if (own.restore_requirements(*decisions)) require(own.requirements(decisions->key)->model != nullptr);
  }
  if (const auto form = engine::decode_form(bytes)) require(engine::decode_form(engine::encode_form(*form)).has_value());
  if (const auto retired = engine::decode_retired(bytes)) {
    engine::State own;
    own.restore_retired(*retired);
    require(engine::decode_retired(engine::encode_retired(*retired)) && own.next_version(retired->kind, retired->id) >= 1);
  }
  if (const auto broadcast = engine::decode_broadcast(bytes)) {
    engine::State own;
    own.restore_broadcast(*broadcast);
    require(own.oldest_broadcast(broadcast->name)->signal == broadcast->signal);
    require(engine::decode_broadcast(engine::encode_broadcast(*broadcast)).has_value());
  }
  if (const auto bound = engine::decode_bound(bytes)) {
    engine::State own;
    own.restore_bound(*bound);
    require(own.bound(bound->process) && engine::decode_bound(engine::encode_bound(*bound)).has_value());
  }
  if (const auto message = engine::decode_message(bytes)) require(engine::decode_message(engine::encode_message(*message)).has_value());
}

}  // namespace

// The first byte says what the rest is.
void fuzz_bpmn(std::string_view input) {
  if (input.empty()) return;
  const char kind = input.front();
  input.remove_prefix(1);
  switch (kind) {
    case 'm': return fuzz_model(input);
    case 'e': return fuzz_expression(input);
    case 't': return fuzz_tests(input);
    case 'j': return fuzz_json(input);
    case 'n': return fuzz_numbers(input);
    case 'r': return fuzz_record(input);
    case 's': return fuzz_steps(input);
    case 'w': return fuzz_timer(input);
    default: return fuzz_checkpoint(input);
  }
}

}  // namespace consilium::bpmn

#ifndef CONSILIUM_FUZZ_BODY
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  consilium::bpmn::fuzz_bpmn({reinterpret_cast<const char*>(data), size});
  return 0;
}
#endif
