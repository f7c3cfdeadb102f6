// Records, checkpoints and a model as the engine writes them today, damaged, through the fuzzer's body; bpmn_corpus/ holds
// what was found once.
#define CONSILIUM_FUZZ_BODY
#include "bpmn/bpmn_fuzz.cpp"  // NOLINT

#include <gtest/gtest.h>

#include "base/random.h"
#include "bpmn/engine/test_bench.h"
#include "bpmn/engine/test_decisions.h"

namespace consilium::bpmn {
namespace {

std::vector<std::string> corpus() {
  engine::Bench bench;
  const std::string xml = engine::TestModel()
                              .start()
                              .task("t", "work", engine::input("=a", "b"), "2", "<z:header key='k' value='v'/>")
                              .boundary_error("b", "t", "E")
                              .boundary_timer("w", "t", "PT5S")
                              .parallel("j")
                              .end()
                              .end("e2")
                              .flow("start", "t")
                              .flow("t", "j")
                              .flow("j", "end")
                              .flow("b", "e2")
                              .flow("w", "e2")
                              .xml();
  bench.deploy(xml);
  const auto instance = bench.start(R"({"a": [1, {"x": "y"}, null, 2.50]})");
  bench.activate("work");
  bench.publish("m", "k", R"({"v": 1})", "id");
  bench.run(engine::Deploy{{{"d.dmn", engine::test_decisions()}}});
  bench.run(engine::EvaluateDecision{0, "guests", {}});
  const std::string decisions = engine::encode_requirements(bench.engine.state().all_requirements().begin()->second);
  bench.run(engine::DeleteResource{bench.engine.state().all_requirements().begin()->first});
  std::vector<std::string> inputs = {
      "m" + xml,
      "eif a > 3 and b = \"x\" then c.d[item > 1] else duration(\"PT5M\") * 2",
      "e{a: 1, b: [a, -2.5 ** 3], c: not(is defined(z))}",
      "e{f: function(n: number) for i in 1..n return partial[-1], r: some x in [1..3) satisfies x > (< 5).end}.r(n: 2)",
      "t\"a\", > 5, [1..3], not(null), ? instance of list<number>, @\"2024-02-29\" + @\"P1M\", first name",
      "w0 0/5 9-17 LW,15 JAN-MAR FRI#2",
      "wR3/2030-01-01T10:00+01:00[Europe/Berlin]/P1M2DT3H",
      "j{\"a\": [1, -2.5e10, \"\\u00e4\\n\", true, null], \"b\": {}}",
      "c" + engine::encode_instance(*bench.engine.state().instance(instance)),
      "c" + decisions,
      "c" + engine::encode_retired(bench.engine.state().retired().begin()->second),
      "c" + engine::encode_bound({7, {{engine::Deployable::kForm, "f", 9}}}),
      "c" + engine::encode_message(bench.engine.state().messages().begin()->second)};
  journal::Steps steps{3, 7, 9, bench.journal(), {{1, "p", 1, "m.bpmn", xml, {}}}, {{2, "p", 1, true, {}, {}, "k", "{}"}}, {{}}};
  inputs.push_back("s" + journal::encode_steps(steps));
  for (const std::string& record : bench.journal()) inputs.push_back("r" + record);
  return inputs;
}

TEST(BpmnFuzz, SurvivesDamagedInput) {
  SeededRandom random(42);
  for (const std::string& input : corpus()) {
    fuzz_bpmn(input);
    for (int round = 0; round < 400; ++round) {
      std::string damaged = input;
      for (std::uint64_t changes = 1 + random.below(4); changes > 0 && damaged.size() > 1; --changes) {
        const std::size_t at = 1 + random.below(damaged.size() - 1);
        switch (random.below(4)) {
          case 0: damaged[at] = static_cast<char>(random.below(256)); break;
          case 1: damaged.erase(at, 1 + random.below(8)); break;
          case 2: damaged.insert(at, damaged.substr(1 + random.below(damaged.size() - 1), random.below(16))); break;
          default: damaged.resize(at);
        }
      }
      fuzz_bpmn(damaged);
    }
  }
}

}  // namespace
}  // namespace consilium::bpmn
