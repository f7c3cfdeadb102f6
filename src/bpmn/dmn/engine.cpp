#include "bpmn/dmn/engine.h"

#include <algorithm>
#include <map>

#include "bpmn/dmn/table.h"
#include "bpmn/feel/builtins.h"
#include "bpmn/feel/evaluator.h"

namespace consilium::bpmn::dmn {
namespace {

using feel::Context;
using feel::Function;
using feel::List;
using feel::Machine;
using feel::Scope;
using feel::Value;

constexpr int kMaxRequirements = 200;  // on one way through the graph

// All that belongs to one evaluation. Functions that escape into its result hold it, but what it knows is dropped at its end.
struct Run {
  // A model with the values of its inputs: the one that is asked, and those it imports, each by its way there.
  struct Place {
    ModelPointer model;
    std::shared_ptr<const Context> inputs;
    std::map<std::string, Value, std::less<>> decided;
    std::map<std::string, bool, std::less<>> open;
    std::map<std::string, std::unique_ptr<Place>, std::less<>> imports;
  };

  Run(const ModelPointer& model, const Context& variables, Names visible = Names::kRequired) : names(visible) {
    root.model = model;
    root.inputs = std::make_shared<const Context>(variables);
  }

  void fail(std::string_view decision, std::string message) {
    if (!failure) failure = Failure{std::string(decision), std::move(message)};
  }

  Place root;
  std::vector<std::unique_ptr<Place>> services;  // one for each call of a decision service
  std::vector<EvaluatedDecision> evaluated;
  std::optional<Failure> failure;
  std::string current;  // the decision that is being evaluated
  int depth = 0;
  Names names;
};

using RunPointer = std::shared_ptr<Run>;

// Evaluates boxes.
class Boxes {
 public:
  Boxes(Machine& machine, RunPointer run, ModelPointer model) : machine_(machine), run_(std::move(run)), model_(std::move(model)) {}

  Value evaluate(const Box& box, const Scope& scope, EvaluatedDecision* report = nullptr) {
    const Machine::Level level(machine_);
    if (!machine_.spend(1) || level.too_deep()) return {};
    Value value = evaluate_untyped(box, scope, report);
    if (!box.type || box.kind == Box::Kind::kFunction) return value;
    return machine_.coerced(value, *box.type, "an expression");
  }

  Value function(const Box& box, const Scope& scope, const std::string& own_name);

 private:
  Value evaluate_untyped(const Box& box, const Scope& scope, EvaluatedDecision* report) {
    switch (box.kind) {
      case Box::Kind::kLiteral: return machine_.evaluate(box.tree, scope);
      case Box::Kind::kTable: return table(box, scope, report);
      case Box::Kind::kContext: return context(box, scope);
      case Box::Kind::kList: return list(box, scope);
      case Box::Kind::kRelation: return relation(box, scope);
      case Box::Kind::kInvocation: return invocation(box, scope);
      case Box::Kind::kFunction: return function(box, scope, "");
      case Box::Kind::kConditional: {
        const Value condition = evaluate(box.parts[0], scope);
        return evaluate(box.parts[condition.boolean() && *condition.boolean() ? 1 : 2], scope);
      }
      case Box::Kind::kFilter: return filter(box, scope);
      case Box::Kind::kFor: return loop(box, scope);
      case Box::Kind::kSome: return quantified(box, scope, true);
      case Box::Kind::kEvery: return quantified(box, scope, false);
      case Box::Kind::kBroken: break;
    }
    return {};
  }

  Value table(const Box& box, const Scope& scope, EvaluatedDecision* report) {
    TableResult result = evaluate_table(machine_, *box.table, scope);
    if (!result.failure.empty()) {
      machine_.problem(result.failure);
      run_->fail(run_->current, std::move(result.failure));
    }
    if (report) {
      report->inputs = std::move(result.inputs);
      report->rules = std::move(result.rules);
    }
    return machine_.built(std::move(result.value));
  }

  Value context(const Box& box, const Scope& scope) {
    Context members;
    const feel::MemberScope inner(scope, members);
    for (std::size_t i = 0; i < box.parts.size(); ++i) {
      const std::string& name = box.names[i];
      Value value = box.parts[i].kind == Box::Kind::kFunction ? function(box.parts[i], inner, name) : evaluate(box.parts[i], inner);
      if (box.types[i] && !value.function()) value = machine_.coerced(value, *box.types[i], "the entry '" + name + "'");
      if (name.empty()) return value;
      members.insert_or_assign(name, std::move(value));
    }
    return machine_.built(std::move(members));
  }

  Value list(const Box& box, const Scope& scope) {
    List items;
    for (const Box& part : box.parts) items.push_back(evaluate(part, scope));
    return machine_.built(std::move(items));
  }

  Value relation(const Box& box, const Scope& scope) {
    List rows;
    const std::size_t columns = box.names.size();
    for (std::size_t at = 0; columns > 0 && at + columns <= box.parts.size(); at += columns) {
      Context row;
      for (std::size_t i = 0; i < columns; ++i) {
        Value value = evaluate(box.parts[at + i], scope);
        if (box.types[i]) value = machine_.coerced(value, *box.types[i], "the column '" + box.names[i] + "'");
        row.insert_or_assign(box.names[i], std::move(value));
      }
      rows.emplace_back(std::move(row));
    }
    return machine_.built(std::move(rows));
  }

  // Parameters that are not bound are null.
  Value invocation(const Box& box, const Scope& scope) {
    if (!box.tree) return {};
    const Value callee = machine_.evaluate(box.tree, scope);
    if (!callee.function()) return machine_.problem("what is invoked is no function, but " + std::string(callee.type_name()));
    List values;
    for (const Box& part : box.parts) values.push_back(evaluate(part, scope));
    const auto& parameters = (*callee.function())->parameters();
    if (parameters.empty() && !box.names.empty()) return machine_.call_named(*callee.function(), box.names, values);
    List arguments(parameters.size());
    for (std::size_t i = 0; i < box.names.size(); ++i) {
      const auto at = std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.name == box.names[i]; });
      if (at == parameters.end()) return machine_.problem("a function has no parameter '" + box.names[i] + "'");
      arguments[static_cast<std::size_t>(at - parameters.begin())] = values[i];
    }
    return machine_.call(*callee.function(), arguments);
  }

  Value filter(const Box& box, const Scope& scope) {
    const Value owner = evaluate(box.parts[0], scope);
    if (owner.is_null()) return {};
    const List single = owner.list() ? List() : List{owner};
    const List& items = owner.list() ? *owner.list() : single;
    List kept;
    for (const Value& item : items) {
      const Value verdict = evaluate(box.parts[1], feel::ItemScope(scope, item));
      if (machine_.gave_up()) return {};
      if (!verdict.boolean()) {
        machine_.problem("a filter is to give a boolean");
        if (!verdict.is_null()) return {};
        continue;
      }
      if (*verdict.boolean()) kept.push_back(item);
    }
    return machine_.built(std::move(kept));
  }

  std::optional<List> domain(const Box& box, const Scope& scope) {
    const Value value = evaluate(box.parts[0], scope);
    auto items = items_of(machine_, value);
    if (items && box.types[0]) {
      for (Value& item : *items) item = machine_.coerced(item, *box.types[0], "the variable '" + box.names[0] + "'");
    }
    return items;
  }

  Value loop(const Box& box, const Scope& scope) {
    const auto items = domain(box, scope);
    if (!items) return {};
    List results;
    for (const Value& item : *items) {
      const Value partial(results);
      const feel::NameScope with_partial(scope, "partial", partial);
      results.push_back(evaluate(box.parts[1], feel::NameScope(with_partial, box.names[0], item)));
      if (!machine_.spend(1 + static_cast<std::int64_t>(results.size()) / 16)) return {};
    }
    return machine_.built(std::move(results));
  }

  Value quantified(const Box& box, const Scope& scope, bool decisive) {
    const auto items = domain(box, scope);
    if (!items) return {};
    bool unknown = false;
    for (const Value& item : *items) {
      const Value verdict = evaluate(box.parts[1], feel::NameScope(scope, box.names[0], item));
      if (machine_.gave_up()) return {};
      if (!verdict.boolean() && !verdict.is_null()) return machine_.problem("the condition of a quantifier is to be a boolean");
      if (!verdict.boolean())
        unknown = true;
      else if (*verdict.boolean() == decisive)
        return decisive;
    }
    return unknown ? Value() : Value(!decisive);
  }

  Machine& machine_;
  RunPointer run_;
  ModelPointer model_;
};

// Finds all names of a scope that a box may use: those of the scope it was made in are kept by value.
class KeptScope final : public Scope {
 public:
  explicit KeptScope(const Context& names) : names_(names) {}
  const Value* find(std::string_view name) const override {
    const auto found = names_.find(name);
    return found == names_.end() ? nullptr : &found->second;
  }

 private:
  const Context& names_;
};

void collect_names(const Tree& tree, const Scope& scope, Context& out) {
  if (!tree) return;
  for (const feel::Node& node : tree->nodes) {
    if (node.kind != feel::NodeKind::kName && node.kind != feel::NodeKind::kCall) continue;
    if (const Value* found = scope.find(node.text)) out.emplace(node.text, *found);
  }
}

void collect_names(const Box& box, const Scope& scope, Context& out) {
  collect_names(box.tree, scope, out);
  for (const Box& part : box.parts) collect_names(part, scope, out);
  if (!box.table) return;
  for (const auto& input : box.table->inputs) {
    collect_names(input.expression, scope, out);
    collect_names(input.allowed, scope, out);
  }
  for (const auto& output : box.table->outputs) collect_names(output.fallback, scope, out);
  for (const auto& rule : box.table->rules) {
    for (const Tree& test : rule.tests) collect_names(test, scope, out);
    for (const Tree& output : rule.outputs) collect_names(output, scope, out);
  }
}

std::vector<Function::Parameter> parameters_of(const Box& box) {
  std::vector<Function::Parameter> parameters;
  for (std::size_t i = 0; i < box.names.size(); ++i) parameters.push_back({box.names[i], box.types[i]});
  return parameters;
}

// A function whose body is a box, with the values that it uses.
class BoxFunction final : public Function {
 public:
  BoxFunction(RunPointer run, ModelPointer model, const Box& box, feel::TypePointer result, Context kept, std::string own_name)
      : Function(parameters_of(box), std::move(result)),
        run_(std::move(run)),
        model_(std::move(model)),
        box_(box),
        kept_(std::move(kept)),
        own_name_(std::move(own_name)) {}

  Value call(Machine& machine, std::span<const Value> arguments) const override {
    Context names = kept_;
    if (!own_name_.empty())
      names.insert_or_assign(
          own_name_, std::shared_ptr<const Function>(std::make_shared<BoxFunction>(run_, model_, box_, result(), kept_, own_name_)));
    for (std::size_t i = 0; i < arguments.size(); ++i) names.insert_or_assign(parameters()[i].name, arguments[i]);
    machine.spend(static_cast<std::int64_t>(names.size()));
    return Boxes(machine, run_, model_).evaluate(box_.parts[0], KeptScope(names));
  }

 private:
  RunPointer run_;
  ModelPointer model_;
  const Box& box_;
  Context kept_;
  std::string own_name_;
};

// How many names there may be in a box.
std::size_t nodes_of(const Box& box) {
  const auto size = [](const Tree& tree) { return tree ? tree->nodes.size() : 0; };
  std::size_t nodes = 1 + size(box.tree);
  for (const Box& part : box.parts) nodes += nodes_of(part);
  if (!box.table) return nodes;
  for (const auto& input : box.table->inputs) nodes += size(input.expression) + size(input.allowed);
  for (const auto& output : box.table->outputs) nodes += size(output.fallback);
  for (const auto& rule : box.table->rules) {
    for (const Tree& test : rule.tests) nodes += size(test);
    for (const Tree& output : rule.outputs) nodes += size(output);
  }
  return nodes;
}

Value Boxes::function(const Box& box, const Scope& scope, const std::string& own_name) {
  Context kept;
  if (!machine_.spend(static_cast<std::int64_t>(nodes_of(box.parts[0])) / 4)) return {};
  collect_names(box.parts[0], scope, kept);
  return std::shared_ptr<const Function>(std::make_shared<BoxFunction>(run_, model_, box, box.type, std::move(kept), own_name));
}

Run::Place& place_of(Run::Place& from, const std::vector<std::string>& imports) {
  Run::Place* place = &from;
  for (const std::string& name : imports) {
    auto& next = place->imports[name];
    if (!next) {
      next = std::make_unique<Run::Place>();
      next->model = place->model->imports.at(name);
      // Inputs of an imported model are given below its name, or else like one's own.
      const auto given = place->inputs->find(name);
      const Context* own = given == place->inputs->end() ? nullptr : given->second.context();
      next->inputs = own ? std::make_shared<const Context>(*own) : place->inputs;
    }
    place = next.get();
  }
  return *place;
}

// Walks the graph of requirements.
class Graph {
 public:
  Graph(Machine& machine, RunPointer run) : machine_(machine), run_(std::move(run)) {}

  Value decide(const Decision& decision, Run::Place& place) {
    if (const auto known = place.decided.find(decision.id); known != place.decided.end()) return known->second;
    const Machine::Level level(machine_);
    if (level.too_deep() || run_->depth > kMaxRequirements || !place.open.emplace(decision.id, true).second) {
      run_->fail(decision.id, "the decision requires itself, or too many others in a row");
      return {};
    }
    ++run_->depth;
    Context names;
    for (const Requirement& required : decision.requirements) add_required(required, place, names);
    static const Context nothing;
    const feel::ContextScope given(run_->names == Names::kAll ? *place.inputs : nothing);
    const feel::MemberScope scope(given, names);
    const std::string before = std::exchange(run_->current, decision.id);
    EvaluatedDecision report{decision.id, decision.name, name_of(decision.logic.kind), {}, {}, {}};
    Value value;
    if (decision.has_logic) value = Boxes(machine_, run_, place.model).evaluate(decision.logic, scope, &report);
    if (decision.type) value = machine_.coerced(value, *decision.type, "the decision '" + decision.name + "'");
    if (decision.logic.kind == Box::Kind::kBroken && decision.has_logic)
      run_->fail(decision.id, "the expression of the decision cannot be read");
    if (machine_.gave_up()) run_->fail(decision.id, "the evaluation takes too much work");
    if (machine_.is_refuted()) run_->fail(decision.id, "an assert in it does not hold");
    run_->current = before;
    --run_->depth;
    report.output = value;
    run_->evaluated.push_back(std::move(report));
    place.open.erase(decision.id);
    place.decided.insert_or_assign(decision.id, value);
    return value;
  }

  Value knowledge(const KnowledgeModel& knowledge, Run::Place& place) {
    if (knowledge.function.parts.empty()) return {};
    Context names;
    if (!place.open.emplace(knowledge.id, true).second) return {};  // it requires itself: its own name is known to it anyway
    for (const Requirement& required : knowledge.requirements) add_required(required, place, names);
    place.open.erase(knowledge.id);
    const feel::TypePointer result = knowledge.function.type ? knowledge.function.type : knowledge.result;
    return std::shared_ptr<const Function>(
        std::make_shared<BoxFunction>(run_, place.model, knowledge.function, result, std::move(names), knowledge.variable));
  }

  Value service(const DecisionService& service, Run::Place& place);

  void add_required(const Requirement& required, Run::Place& from, Context& names) {
    Run::Place& place = place_of(from, required.imports);
    std::string name;
    Value value;
    if (!find(required.id, place, name, value)) return;
    if (required.imports.empty() || required.imports.front().empty()) {
      names.insert_or_assign(name, std::move(value));
      return;
    }
    // What else is known of the imported model, by this decision or because it was given.
    auto known = names.find(required.imports.front());
    if (known == names.end() && run_->names == Names::kAll) {
      const auto given = from.inputs->find(required.imports.front());
      if (given != from.inputs->end()) known = names.insert(*given).first;
    }
    Context members;
    if (known != names.end() && known->second.context()) {
      if (!machine_.spend(static_cast<std::int64_t>(known->second.context()->size()) / 4)) return;
      members = *known->second.context();
    }
    members.insert_or_assign(name, std::move(value));
    names.insert_or_assign(required.imports.front(), Value(std::move(members)));
  }

  Value input(const InputData& input, const Run::Place& place) {
    const auto given = place.inputs->find(input.name);
    Value value = given == place.inputs->end() ? Value() : given->second;
    if (!input.type || value.is_null()) return value;
    if (machine_.coerce(value, *input.type)) return value;
    return machine_.problem("the input '" + input.name + "' is no " + describe(*input.type) + ", but " + std::string(value.type_name()));
  }

 private:
  bool find(const std::string& id, Run::Place& place, std::string& name, Value& value) {
    const Model& model = *place.model;
    // Each looks through the lists of the model.
    const std::size_t listed = model.inputs.size() + model.decisions.size() + model.knowledge.size() + model.services.size();
    if (!machine_.spend(1 + static_cast<std::int64_t>(listed) / feel::kItemsOfAStep)) return false;
    const auto by_id = [&](const auto& list) {
      const auto at = std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.id == id; });
      return at == list.end() ? nullptr : &*at;
    };
    if (const InputData* data = by_id(model.inputs)) {
      name = data->name;
      value = input(*data, place);
    } else if (const Decision* decision = by_id(model.decisions)) {
      name = run_->names == Names::kAll && !decision->names_itself ? decision->id : decision->variable;
      value = decide(*decision, place);
    } else if (const KnowledgeModel* model_of = by_id(model.knowledge)) {
      name = model_of->variable;
      value = knowledge(*model_of, place);
    } else if (const DecisionService* offered = by_id(model.services)) {
      name = offered->variable;
      value = service(*offered, place);
    } else {
      return false;
    }
    return true;
  }

  Machine& machine_;
  RunPointer run_;
};

struct ServiceParameter {
  Function::Parameter parameter;
  std::string decision_id;  // empty: input data
};

std::vector<ServiceParameter> parameters_of(const DecisionService& service, const Run::Place& place) {
  std::vector<ServiceParameter> parameters;
  const auto model_of = [&](const Requirement& required) {
    const Model* model = place.model.get();
    for (const std::string& name : required.imports) model = model->imports.at(name).get();
    return model;
  };
  for (const Requirement& required : service.input_data) {
    if (const InputData* data = model_of(required)->find_input(required.id)) parameters.push_back({{data->name, data->type}, ""});
  }
  for (const Requirement& required : service.input_decisions) {
    if (const Decision* decision = model_of(required)->find_decision(required.id))
      parameters.push_back({{decision->variable, decision->type}, decision->id});
  }
  return parameters;
}

// A decision service as a function: its decisions are evaluated anew, with the arguments as inputs.
class ServiceFunction final : public Function {
 public:
  ServiceFunction(RunPointer run, ModelPointer model, const DecisionService& service, std::vector<ServiceParameter> parameters)
      : Function(names_of(parameters), service.type),
        run_(std::move(run)),
        model_(std::move(model)),
        service_(service),
        parameters_(std::move(parameters)) {}

  Value call(Machine& machine, std::span<const Value> arguments) const override {
    auto place = std::make_unique<Run::Place>();
    place->model = model_;
    Context inputs;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (parameters_[i].decision_id.empty())
        inputs.insert_or_assign(parameters_[i].parameter.name, arguments[i]);
      else
        place->decided.insert_or_assign(parameters_[i].decision_id, arguments[i]);
    }
    place->inputs = std::make_shared<const Context>(std::move(inputs));
    Graph graph(machine, run_);
    Context outputs;
    for (const Requirement& output : service_.outputs) graph.add_required(output, *place, outputs);
    run_->services.push_back(std::move(place));
    if (service_.outputs.size() == 1 && outputs.size() == 1) {
      Value only = outputs.begin()->second;
      if (!service_.outputs[0].imports.empty() && !service_.outputs[0].imports[0].empty() && only.context() && only.context()->size() == 1)
        only = Value(only.context()->begin()->second);
      return only;
    }
    return machine.built(std::move(outputs));
  }

 private:
  static std::vector<Parameter> names_of(const std::vector<ServiceParameter>& parameters) {
    std::vector<Parameter> made;
    for (const auto& each : parameters) made.push_back(each.parameter);
    return made;
  }

  RunPointer run_;
  ModelPointer model_;
  const DecisionService& service_;
  std::vector<ServiceParameter> parameters_;
};

Value Graph::service(const DecisionService& service, Run::Place& place) {
  return std::shared_ptr<const Function>(std::make_shared<ServiceFunction>(run_, place.model, service, parameters_of(service, place)));
}

// Functions are made for one evaluation; its result is data.
Value without_functions(const Value& value) {
  if (!value.holds_function()) return value;
  if (value.function()) return {};
  if (const List* list = value.list()) {
    List copy;
    copy.reserve(list->size());
    for (const Value& item : *list) copy.push_back(without_functions(item));
    return copy;
  }
  if (const Context* context = value.context()) {
    Context copy;
    for (const auto& [name, member] : *context) copy.emplace(name, without_functions(member));
    return copy;
  }
  return value;
}

Decided finish(Machine& machine, Run& run, const Value& value) {
  Decided decided;
  decided.failure = std::move(run.failure);
  if (machine.gave_up() && !decided.failure) decided.failure = Failure{"", "the evaluation takes too much work"};
  if (machine.is_refuted() && !decided.failure) decided.failure = Failure{"", "an assert in it does not hold"};
  if (!decided.failure) decided.output = without_functions(value);
  decided.evaluated = std::move(run.evaluated);
  for (EvaluatedDecision& each : decided.evaluated) {
    if (each.output.holds_function() && !machine.spend(each.output.weight() / 4)) each.output = {};
    each.output = without_functions(each.output);
  }
  decided.problems = machine.take_problems();
  // What functions hold of the run holds them: the circle is cut here.
  run.root = {};
  run.services.clear();
  return decided;
}

}  // namespace

Decided decide(const ModelPointer& model, std::string_view decision, const Context& variables, const feel::Environment& environment,
               Names names) {
  const Decision* found = model->find_decision(decision);
  if (!found) return {{}, {}, Failure{std::string(decision), "no decision found for id '" + std::string(decision) + "'"}, {}};
  Machine machine(environment, kMaxDecisionSteps);
  const auto run = std::make_shared<Run>(model, variables, names);
  const Value value = Graph(machine, run).decide(*found, run->root);
  return finish(machine, *run, value);
}

Decided invoke(const ModelPointer& model, std::string_view invocable, const Context& parameters, const feel::Environment& environment) {
  Machine machine(environment, kMaxDecisionSteps);
  const auto run = std::make_shared<Run>(model, parameters);
  Graph graph(machine, run);
  Value callee;
  if (const DecisionService* service = model->find_service(invocable)) callee = graph.service(*service, run->root);
  if (const KnowledgeModel* knowledge = model->find_knowledge(invocable); knowledge && callee.is_null())
    callee = graph.knowledge(*knowledge, run->root);
  if (!callee.function())
    return {{}, {}, Failure{std::string(invocable), "nothing that can be invoked has the id '" + std::string(invocable) + "'"}, {}};
  List arguments;
  for (const auto& parameter : (*callee.function())->parameters()) {
    const auto given = parameters.find(parameter.name);
    arguments.push_back(given == parameters.end() ? Value() : given->second);
  }
  const Value value = machine.call(*callee.function(), arguments);
  callee = {};
  return finish(machine, *run, value);
}

}  // namespace consilium::bpmn::dmn
