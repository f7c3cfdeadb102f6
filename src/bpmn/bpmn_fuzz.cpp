// Fuzzes what reads bytes from outside: models, expressions, JSON, journal records and checkpoints. libFuzzer, or with
// CONSILIUM_FUZZ_BODY the body alone for the unit tests.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bpmn/engine/codec.h"
#include "bpmn/engine/engine.h"
#include "bpmn/engine/test_model.h"
#include "bpmn/feel/expression.h"
#include "bpmn/model/reader.h"

namespace consilium::bpmn {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void fuzz_model(std::string_view xml) {
  const auto read = model::read_model("fuzz.bpmn", xml);
  if (read) {
    // What is accepted must run: a few commands on it, whatever they give.
    engine::Engine engine;
    const auto deployed = engine.execute(engine::Deploy{{{"fuzz.bpmn", std::string(xml)}}}, Timestamp{0});
    if (deployed.rejection) return;
    auto started = engine.execute(engine::CreateInstance{read->front()->id, 0, {}, ""}, Timestamp{0});
    for (int i = 0; i < 3 && !started.to_continue.empty(); ++i) engine.execute(engine::Continue{started.key}, Timestamp{0});
    if (engine.state().instance(started.key)) engine.execute(engine::CancelInstance{started.key}, Timestamp{1});
  } else {
    require(!read.error().empty());
  }
}

void fuzz_expression(std::string_view text) {
  const auto expression = feel::Expression::parse(text);
  if (!expression) {
    require(expression.error().position <= text.size());
    return;
  }
  static const feel::Context variables = *feel::parse_variables(R"({"a": 1, "b": "x", "c": {"d": [1, 2, 3]}, "n": null, "t": true})");
  const auto first = expression->evaluate(feel::ContextScope(variables));
  const auto second = expression->evaluate(feel::ContextScope(variables));
  require(feel::to_json(first.value) == feel::to_json(second.value));
}

void fuzz_json(std::string_view text) {
  const auto value = feel::parse_json(text);
  if (!value) return;
  const std::string written = feel::to_json(*value);
  const auto again = feel::parse_json(written, written.size());
  require(again && *again == *value && feel::to_json(*again) == written);
}

void fuzz_record(std::string_view bytes) {
  const auto record = engine::decode_record(bytes);
  if (!record) return;
  const std::string written = engine::encode_record(*record);
  const auto again = engine::decode_record(written);
  require(again && engine::encode_record(*again) == written);
}

void fuzz_checkpoint(std::string_view bytes) {
  static const engine::State* const state = [] {
    auto* made = new engine::State();
    const auto xml =
        engine::TestModel().start().task("t", "work").parallel("j").end().flow("start", "t").flow("t", "j").flow("j", "end").xml();
    require(made->restore_definition(engine::make_key(1, 1), "p", 1, "m.bpmn", xml).has_value());
    return made;
  }();
  if (const auto instance = engine::decode_instance(*state, bytes)) {
    const std::string written = engine::encode_instance(*instance);
    const auto again = engine::decode_instance(*state, written);
    require(again && engine::encode_instance(*again) == written);
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
    case 'j': return fuzz_json(input);
    case 'r': return fuzz_record(input);
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
