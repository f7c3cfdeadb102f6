// A random model and what a random world does to an instance of it, as data that any engine can be led along. Follows from a seed alone.
#pragma once

#include <array>
#include <string>
#include <utility>

#include "base/random.h"
#include "bpmn/engine/random_model.h"
#include "bpmn/feel/value.h"

namespace consilium::bpmn::engine {

inline feel::Value small_number(SeededRandom& random) { return {static_cast<std::int64_t>(random.below(10))}; }

// One thing that the client does. `pick` is taken modulo what there is to choose from, in the order of element ids and keys.
inline feel::Context random_action(SeededRandom& random, const std::string& key, const std::string& signal) {
  const auto pick = feel::Value(static_cast<std::int64_t>(random.below(1000)));
  const auto one_of = [&](std::int64_t bound) {
    return feel::Value(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bound))));
  };
  switch (random.below(18)) {
    case 0:
    case 1:
      return {{"do", "fail"},
              {"pick", pick},
              {"retries", one_of(3)},
              {"hours", one_of(2)},
              {"variables", feel::Context{{"failed", small_number(random)}}}};
    case 2:
    case 3: {
      const char* const codes[] = {"E", "E", "F"};
      return {{"do", "throw"},
              {"pick", pick},
              {"code", codes[random.below(3)]},
              {"variables", feel::Context{{"thrown", small_number(random)}}}};
    }
    case 4:
    case 5:
      return {{"do", "publish"},
              {"name", random.below(4) == 0 ? "aside" : "go"},
              {"key", key},
              {"hours", random.below(2) == 0 ? 0 : 100'000},
              {"variables", feel::Context{{"x", small_number(random)}}}};
    case 6: return {{"do", "publish"}, {"name", "go"}, {"key", key}, {"hours", 100'000}, {"id", "once"}, {"variables", feel::Context()}};
    case 7:
      return {
          {"do", "publish"}, {"name", "stop"}, {"key", key}, {"hours", random.below(3) == 0 ? 100'000 : 0}, {"variables", feel::Context()}};
    case 17:
    case 8:
      return {{"do", "signal"},
              {"name", random.below(3) == 0 ? signal + "-aside" : signal},
              {"variables", feel::Context{{"x", small_number(random)}}}};
    case 9:
      return {{"do", "set"}, {"pick", pick}, {"local", random.below(2) == 0}, {"variables", feel::Context{{"y", small_number(random)}}}};
    case 10: return {{"do", "resolve"}, {"pick", pick}, {"retries", one_of(2)}};
    default:
      return {{"do", "complete"}, {"pick", pick}, {"variables", feel::Context{{"r", small_number(random)}, {"x", small_number(random)}}}};
  }
}

// What is done again and again in the end, on all there is.
inline feel::List finishing_round(const std::string& key, const std::string& signal) {
  return {
      feel::Context{{"do", "set"}, {"root", true}, {"variables", feel::Context{{"x", 5}, {"late", key}, {"span", "PT1H"}}}},
      feel::Context{{"do", "resolve"}, {"retries", 1}},
      feel::Context{{"do", "complete"}, {"variables", feel::Context{{"r", 1}, {"x", 5}}}},
      feel::Context{{"do", "publish"}, {"name", "go"}, {"key", key}, {"hours", 0}},
      feel::Context{{"do", "signal"}, {"name", signal}},
      feel::Context{{"do", "tick"}},
  };
}

// Begins an element, or ends an active one, or both.
inline feel::Context random_modification(SeededRandom& random, const std::vector<std::string>& ids) {
  feel::Context action = {{"do", "modify"}, {"pick", static_cast<std::int64_t>(random.below(1000))}};
  const std::uint64_t kind = random.below(3);
  if (kind > 0) action.insert_or_assign("activate", ids[random.below(ids.size())]);
  action.insert_or_assign("end", kind != 1);
  return action;
}

// What a boundary event of the twin may hear where the model's hears another message.
inline void publish_to_twin(feel::Context& action) {
  const auto name = action.find("name");
  if (name == action.end() || action.at("do") != feel::Value("publish")) return;
  const std::string& message = *name->second.string();
  if (message == "stop" || message == "aside") name->second = "other-" + message;
}

// Every fourth action lets an hour pass, in all paths alike, so that many can share one clock. Some paths modify, some migrate to a twin of
// their model, some are cancelled.
inline feel::Context random_path(std::uint64_t seed) {
  SeededRandom random(seed);
  const std::string number = std::to_string(seed);
  RandomModel::Names names;
  names.process = "p" + number;
  names.signal = "signal" + number;
  names.time_unit = 'H';
  names.trouble = true;
  names.compensation = random.below(3) == 0;
  const std::uint64_t start = random.below(10);
  const std::string key = "key" + number;
  const TestModel child =
      TestModel(names.child).start().task("child-task", "work").end().flow("start", "child-task").flow("child-task", "end");
  const std::uint64_t kind = random.below(10);
  const bool modifies = kind < 2, migrates = kind == 2 || kind == 3, is_cancelled = kind == 4;
  if (start < 2 && !migrates) names.begins_by = "begin" + number;  // else the twin would begin as well
  names.begins_by_signal = start == 0;
  names.plain = migrates && random.below(4) != 0;
  const std::uint64_t model_seed = random.next();
  SeededRandom same(model_seed), again(model_seed);
  const RandomModel model(same, names);
  feel::List models = {feel::Context{{"name", "child.bpmn"}, {"xml", child.xml()}},
                       feel::Context{{"name", names.process + ".bpmn"}, {"xml", model.xml()}}};
  if (migrates) {
    names.process += "-twin";
    constexpr std::array<const char*, 4> kStop = {"stop", "other-stop", "other-stop", ""},
                                         kAside = {"aside", "other-aside", "other-aside", ""};
    names.stop = kStop[random.below(4)];
    names.aside = kAside[random.below(4)];
    if (random.below(5) == 0) names.key = "late";
    models.push_back(feel::Context{{"name", names.process + ".bpmn"}, {"xml", RandomModel(again, names).xml()}});
  }
  feel::List actions;
  constexpr int kActions = 24;
  const std::uint64_t changed_at = random.below(kActions);
  for (std::uint64_t at = 0; at < kActions; ++at) {
    if (at % 4 == 3)
      actions.push_back(feel::Context{{"do", "tick"}});
    else if (at == changed_at && is_cancelled)
      actions.push_back(feel::Context{{"do", "cancel"}});
    else if (migrates && at >= changed_at && at < changed_at + 4)
      actions.push_back(feel::Context{{"do", "migrate"}, {"to", names.process}});
    else if (modifies && random.below(4) == 0)
      actions.push_back(random_modification(random, model.ids()));
    else {
      feel::Context action = random_action(random, key, names.signal);
      if (migrates && random.below(2) == 0) publish_to_twin(action);
      actions.push_back(std::move(action));
    }
  }
  return {{"seed", static_cast<std::int64_t>(seed)},
          {"models", models},
          {"process", "p" + number},
          {"key", key},
          {"signal", names.signal},
          {"begins by", names.begins_by},
          {"by signal", names.begins_by_signal},
          {"variables", feel::Context{{"id", key}}},
          {"actions", actions},
          {"finish", finishing_round(key, names.signal)}};
}

}  // namespace consilium::bpmn::engine
