// Random models of all supported elements, for tests: a model follows from its seed alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "bpmn/engine/test_model.h"

namespace consilium::bpmn::engine {

// Builds a block with one way in and one way out, out of smaller blocks.
class RandomModel {
 public:
  // What the outside sees of it; two models that run side by side share neither process nor signal.
  struct Names {
    std::string process = "p";
    std::string child = "child";
    std::string signal = "sig";
    char time_unit = 'S';       // of its timers: S or H
    bool compensation = false;  // handlers, and events that ask for them
    bool plain = false;         // nothing in it waits for an event but boundary events of messages: what can be migrated
    // The messages that boundary events hear, and by which key: a twin may hear others, or none.
    std::string stop = "stop";
    std::string aside = "aside";
    std::string key = "id";
    std::string begins_by;  // the message or signal that starts it; empty: the client
    bool begins_by_signal = false;
    bool trouble = false;  // what may raise an incident: mended by the variables x above 3, late (a text), span (a duration)
    bool later = false;    // what versions after Zeebe 8.5.8 know: joins of inclusive gateways, listeners of any task and gateway
  };
  explicit RandomModel(SeededRandom& random) : RandomModel(random, Names()) {}
  RandomModel(SeededRandom& random, Names names) : random_(random), names_(std::move(names)), model_(names_.process) {
    if (names_.begins_by.empty())
      model_.start("start");
    else
      model_.start_on("start", names_.begins_by_signal ? model_.on_signal(names_.begins_by) : model_.on_message(names_.begins_by));
    const std::string last = sequence("start", 3);
    model_.end("end").flow(last, "end");
    if (chance(4) && !names_.plain) event_sub_process(Hears::kAnything);
  }
  std::string xml() const { return model_.xml(); }
  // Of all elements but start and end of the process.
  const std::vector<std::string>& ids() const { return ids_; }

 private:
  std::string name(std::string_view kind) { return ids_.emplace_back(std::string(kind) + std::to_string(++count_)); }
  std::string span(int units) const { return "PT" + std::to_string(units) + names_.time_unit; }
  bool chance(std::uint64_t one_in) { return random_.below(one_in) == 0; }

  // Each block is joined to `from` and returns its last element.
  std::string sequence(std::string from, int depth) {
    for (std::uint64_t blocks = 1 + random_.below(3); blocks > 0; --blocks) from = block(from, depth);
    return from;
  }
  std::string block(const std::string& from, int depth) {
    if (names_.plain) return plain_block(from, depth);
    switch (random_.below(depth > 0 ? 14 : 7)) {
      case 0: return task(from);
      case 1: return catch_event(from);
      case 2: return chance(2) ? task(from) : timer(from);
      case 3: return names_.trouble && chance(4) ? doubt(from) : passing(from);
      case 4: return other_wait(from);
      case 5: return chance(2) ? call(from) : link(from);
      case 6: return each(from);
      case 13: return choice(from, depth);
      case 7: return names_.later && chance(2) ? some(from, depth) : fork(from, depth);
      case 8: return race(from, depth);
      case 9: return sub_process(from, depth);
      case 10: return aside(from, depth);
      case 11: return stopped(from, depth);
      default: return loop(from, depth);
    }
  }
  std::string plain_block(const std::string& from, int depth) {
    switch (random_.below(depth > 0 ? 6 : 3)) {
      case 3: return choice(from, depth);
      case 4: return fork(from, depth);
      case 5: {
        const std::string id = name("sub"), inner = name("start"), end = name("end");
        model_.open_sub(id).start(inner).end(end);
        model_.flow(sequence(inner, depth - 1), end).close_sub().flow(from, id);
        return chance(3) ? attached(id) : id;
      }
      default: return task(from);
    }
  }
  // What needs nothing from outside.
  std::string passing(const std::string& from) {
    if (names_.compensation && chance(3)) return compensating(from);
    const std::string id = name("pass");
    switch (random_.below(5)) {
      case 0: model_.activity(chance(2) ? "manualTask" : "task", id, names_.later ? listeners() : ""); break;
      case 1: model_.activity("scriptTask", id, "<z:script expression='=if is defined(x) then x else 1' resultVariable='r'/>"); break;
      case 2: model_.throw_on(id, ""); break;
      case 3: model_.throw_on(id, model_.on_escalation("X")); break;
      default: model_.throw_on(id, model_.on_signal(names_.signal), input("=1", "x")); break;
    }
    model_.flow(from, id);
    return id;
  }
  // Asks for all that can be undone here, or for one activity.
  std::string compensating(const std::string& from) {
    const std::string id = name("compensate");
    if (chance(2)) {
      model_.throw_on(id, TestModel::on_compensation("", id + "-definition")).flow(from, id);
      return id;
    }
    const std::string undone = name("undone");
    model_.activity("task", undone)
        .throw_on(id, TestModel::on_compensation(undone, id + "-definition"))
        .flow(from, undone)
        .flow(undone, id);
    undoable(undone);
    return id;
  }
  // Jobs before and after what an element does, one or two each.
  std::string listeners() {
    std::string each;
    const auto listen = [&](const char* event, const char* first, const char* second) {
      if (chance(2)) return;
      for (const char* type : {first, second}) {
        each +=
            std::string("<z:executionListener eventType='") + event + "' type='" + type + "'" + (chance(3) ? " retries='1'" : "") + "/>";
        if (!chance(4)) return;
      }
    };
    listen("start", "before", "after");
    listen("end", "after", "before");
    return each.empty() ? "" : "<z:executionListeners>" + each + "</z:executionListeners>";
  }
  void undoable(const std::string& host) {
    const std::string handler = name("handler");
    model_.compensated_by(name("undo"), host, handler);
    if (chance(3))
      model_.raw("<manualTask id='" + handler + "' isForCompensation='true'/>");
    else
      model_.handler(handler, "work");
  }
  std::string other_wait(const std::string& from) {
    const bool sends = chance(5);  // its job may throw no error
    const std::string id = name(sends ? "send" : "wait");
    if (sends) {
      model_.throw_on(id, "<messageEventDefinition/>", "", "<z:taskDefinition type='work'/>").flow(from, id);
      return id;
    }
    switch (random_.below(4)) {
      case 0: model_.receive(id, "go", "=id"); break;
      case 3: model_.activity("userTask", id, "<z:assignmentDefinition assignee='ada' candidateGroups='=[\"desk\"]'/>"); break;
      case 1: model_.catch_on(id, model_.on_signal(names_.signal)); break;
      default: model_.activity(chance(2) ? "sendTask" : "businessRuleTask", id, "<z:taskDefinition type='work'/>"); break;
    }
    model_.flow(from, id);
    return id;
  }
  std::string call(const std::string& from) {
    const std::string id = name("call"), merge = name("merge");
    model_.call(id, names_.child, chance(2) ? "propagateAllParentVariables='false'" : "", input("=id", "id")).exclusive(merge);
    model_.flow(from, id).flow(id, merge);
    attach(id, merge);
    return merge;
  }
  // A multi-instance task, call activity or sub-process.
  std::string each(const std::string& from) {
    const std::string id = name("each"), merge = name("merge");
    const std::string loop = TestModel::loop("inputCollection='=[1, 2, 3]' inputElement='x' outputCollection='out' outputElement='=r'",
                                             chance(2) ? "numberOfCompletedInstances > 1" : "", chance(2));
    switch (random_.below(4)) {
      case 0: model_.activity("task", id, "", "", loop); break;
      case 1:
        model_.activity("serviceTask", id, "<z:taskDefinition type='work'/>" + (chance(4) ? listeners() : ""), output("=x", "r"), loop);
        break;
      case 2:
        model_.activity("callActivity", id, "<z:calledElement processId='" + names_.child + "' propagateAllParentVariables='false'/>", "",
                        loop);
        break;
      default: {
        const std::string inner = name("start"), work = name("task"), end = name("end");
        model_.open_sub(id, "", loop).start(inner).task(work, "work").end(end).flow(inner, work).flow(work, end);
        if (chance(2)) event_sub_process(Hears::kAnything);
        model_.close_sub();
      }
    }
    model_.exclusive(merge).flow(from, id).flow(id, merge);
    if (names_.compensation && chance(3)) undoable(id);
    attach(id, merge);
    return merge;
  }
  std::string link(const std::string& from) {
    const std::string away = name("away"), here = name("here");
    model_.throw_on(away, TestModel::on_link(here, away + "-link"))
        .catch_on(here, TestModel::on_link(here, here + "-link"))
        .flow(from, away);
    return here;
  }
  // An inclusive gateway goes on, and often aside too.
  std::string aside(const std::string& from, int depth) {
    const std::string split = name("inclusive"), on = name("on"), side = name("side"), end = name("end");
    const bool undoes = names_.compensation && chance(2);
    model_.inclusive(split).exclusive(on).exclusive(side).end_on(end, undoes ? TestModel::on_compensation("", end + "-definition") : "");
    model_.flow(from, split);
    model_.flow(split, on, "true").flow(split, side, "is defined(x) and x > 3");
    model_.flow(sequence(side, depth - 1), end);
    return on;
  }
  // One branch of two ends the scope, whatever the other does.
  std::string stopped(const std::string& from, int depth) {
    const std::string id = name("sub"), inner = name("start"), split = name("fork"), kill = name("kill"), end = name("end");
    model_.open_sub(id).start(inner).parallel(split).end_on(kill, TestModel::on_terminate()).end(end).flow(inner, split);
    const std::string one = name("branch"), two = name("branch");
    model_.exclusive(one).exclusive(two).flow(split, one).flow(split, two);
    model_.flow(sequence(one, depth - 1), kill).flow(sequence(two, depth - 1), end).close_sub().flow(from, id);
    return id;
  }
  enum class Hears { kAnything, kEscalation };
  void event_sub_process(Hears what) {
    const std::string id = name("event-sub"), by = name("by"), work = name("task"), end = name("end");
    model_.open_event_sub(id, chance(3) ? input("=2", "inner") : "");
    switch (what == Hears::kEscalation ? 4 : random_.below(11)) {
      case 0: model_.start_on(by, model_.on_message("stop", "=id")); break;
      case 1: model_.start_on(by, model_.on_message("stop", "=id"), false); break;
      case 2: model_.start_on(by, TestModel::on_timer("R2/" + span(2), "timeCycle"), false); break;
      case 8: model_.start_on(by, TestModel::on_timer(span(3))); break;
      case 3:
      case 7: model_.start_on(by, model_.on_error(chance(2) ? "E" : "")); break;
      case 4: model_.start_on(by, model_.on_escalation("X"), chance(2)); break;
      case 5:
      case 6: model_.start_on(by, model_.on_signal(names_.signal), chance(2)); break;
      default: model_.start_on(by, model_.on_escalation("X"), chance(3)); break;
    }
    if (names_.trouble && chance(4))
      model_.error_end(end, "E");
    else
      model_.end(end);
    model_.task(work, "work").flow(by, work).flow(work, end).close_sub();
  }
  std::string task(const std::string& from) {
    const std::string id = name("task");
    const std::string io = chance(3) ? input("=1", "own") : chance(3) ? output("=if is defined(r) then r else null", "x") : "";
    model_.activity("serviceTask", id, "<z:taskDefinition type='work'/>" + (chance(6) ? listeners() : ""), io);
    model_.flow(from, id);
    if (names_.compensation && chance(3)) undoable(id);
    return chance(3) ? attached(id) : id;
  }
  // `host` with a boundary event, and where both go on.
  std::string attached(const std::string& host) {
    const std::string merge = name("merge");
    model_.exclusive(merge).flow(host, merge);
    attach(host, merge);
    return merge;
  }
  enum class Interrupting { kYes, kNo };
  // The key is none where the host alone has the variable `own`.
  void hear(const std::string& id, const std::string& host, const std::string& to, Interrupting interrupting) {
    const std::string& message = interrupting == Interrupting::kYes ? names_.stop : names_.aside;
    if (message.empty()) return;
    const std::string key = "=if is defined(own) then \"nobody\" else " + names_.key;
    model_.boundary_message(id, host, message, key, interrupting == Interrupting::kYes).flow(id, to);
  }
  // A boundary event on `host` that leads to `to` as well.
  void attach(const std::string& host, const std::string& to) {
    const std::string id = name("boundary");
    switch (names_.plain ? 2 : random_.below(4)) {
      case 0: model_.boundary_error(id, host, chance(2) ? "E" : "").flow(id, to); break;
      case 3: model_.boundary_on(id, host, model_.on_signal(names_.signal)).flow(id, to); break;
      case 1: model_.boundary_timer(id, host, span(chance(2) ? 2 : 7)).flow(id, to); break;
      default: hear(id, host, to, Interrupting::kYes); break;
    }
    if (chance(3)) attach_aside(host);
  }
  // One that does not interrupt.
  void attach_aside(const std::string& host) {
    const std::string aside = name("aside");
    const std::string end = name("end");
    model_.end(end);
    switch (names_.plain ? 0 : random_.below(3)) {
      case 0: hear(aside, host, end, Interrupting::kNo); break;
      case 1: model_.boundary_on(aside, host, model_.on_signal(names_.signal + "-aside"), false).flow(aside, end); break;
      default: model_.boundary_on(aside, host, TestModel::on_timer("R2/" + span(2), "timeCycle"), false).flow(aside, end); break;
    }
  }
  // What may be an incident.
  std::string doubt(const std::string& from) {
    const std::string id = name("doubt");
    switch (random_.below(9)) {
      case 0:
      case 1:
      case 2: {
        const std::string before = name("before"), on = name("on");
        if (chance(2))
          model_.activity("scriptTask", before, "<z:script expression='=1' resultVariable='x'/>");
        else
          model_.activity("task", before);
        model_.exclusive(id).exclusive(on).flow(from, before).flow(before, id).flow(id, on, "x > 3");
        return on;
      }
      case 3:
      case 4: model_.catch_message(id, "go", "=late"); break;
      case 5:
      case 6: model_.catch_timer(id, "=span"); break;
      default: model_.call(id, "nobody"); break;
    }
    model_.flow(from, id);
    return id;
  }
  std::string catch_event(const std::string& from) {
    const std::string id = name("message");
    model_.catch_message(id, "go", "=id").flow(from, id);
    return id;
  }
  std::string timer(const std::string& from) {
    const std::string id = name("timer");
    if (chance(4)) {  // between two ticks of the clock
      model_.catch_date(id, std::string("=now() + duration(\"") + (names_.time_unit == 'H' ? "PT90M" : "PT2S") + "\")").flow(from, id);
      return id;
    }
    model_.catch_timer(id, chance(2) ? span(5) : "=if is defined(x) then \"" + span(1) + "\" else \"" + span(3) + "\"").flow(from, id);
    return id;
  }
  std::string choice(const std::string& from, int depth) {
    const std::string split = name("choice");
    const std::string merge = name("merge");
    const std::string yes = name("yes"), no = name("no");
    model_.exclusive(split, split + "_" + no).exclusive(yes).exclusive(no).exclusive(merge);
    model_.flow(from, split).flow(split, yes, "is defined(x) and x > 5").flow(split, no);
    model_.flow(sequence(yes, depth - 1), merge).flow(sequence(no, depth - 1), merge);
    if (chance(2)) {  // holds often together with the other one
      const std::string maybe = name("maybe");
      model_.exclusive(maybe).flow(split, maybe, "is defined(x) and x > 3").flow(maybe, merge);
    }
    return merge;
  }
  std::string fork(const std::string& from, int depth) {
    const std::string split = name("fork");
    const std::string join = name("join");
    model_.parallel(split).parallel(join).flow(from, split);
    for (std::uint64_t branches = 2 + random_.below(2); branches > 0; --branches) {
      const std::string branch = name("branch");
      model_.exclusive(branch).flow(split, branch);
      model_.flow(sequence(branch, depth - 1), join);
    }
    return join;
  }
  // As many branches as hold, and their join.
  std::string some(const std::string& from, int depth) {
    const std::string split = name("inclusive"), join = name("join"), always = name("branch");
    model_.inclusive(split).inclusive(join).exclusive(always).flow(from, split).flow(split, always, "true");
    model_.flow(sequence(always, depth - 1), join);
    for (std::uint64_t branches = 1 + random_.below(2); branches > 0; --branches) {
      const std::string branch = name("branch");
      model_.exclusive(branch).flow(split, branch, "is defined(x) and x > " + std::to_string(2 + random_.below(5)));
      model_.flow(sequence(branch, depth - 1), join);
    }
    return join;
  }
  std::string race(const std::string& from, int depth) {
    const std::string gateway = name("race");
    const std::string message = name("message"), timer_id = name("timer"), merge = name("merge");
    model_.event_gateway(gateway).catch_message(message, "go", "=id").catch_timer(timer_id, span(4)).exclusive(merge);
    model_.flow(from, gateway).flow(gateway, message).flow(gateway, timer_id);
    model_.flow(sequence(message, depth - 1), merge).flow(timer_id, merge);
    return merge;
  }
  std::string sub_process(const std::string& from, int depth) {
    const std::string id = name("sub");
    const std::string inner = name("start"), end = name("end"), merge = name("merge");
    model_.open_sub(id, chance(2) ? input("=0", "inner") : "").start(inner);
    const bool tells = chance(2);
    if (chance(2)) event_sub_process(tells && chance(2) ? Hears::kEscalation : Hears::kAnything);
    model_.end(end);
    std::string last = sequence(inner, depth - 1);
    if (tells) {
      const std::string told = name("tell");
      model_.throw_on(told, model_.on_escalation(chance(4) ? "Y" : "X")).flow(last, told);
      last = told;
    }
    if (chance(3)) {
      const std::string split = name("choice"), bad = name("bad");
      model_.exclusive(split, split + "_" + end)
          .error_end(bad, "E")
          .flow(last, split)
          .flow(split, end)
          .flow(split, bad, "is defined(x) and x > 4");
    } else {
      model_.flow(last, end);
    }
    model_.close_sub().exclusive(merge).flow(from, id).flow(id, merge);
    const std::string caught = name("boundary");
    model_.boundary_error(caught, id, "").flow(caught, merge);
    if (chance(2)) {
      const std::string stopped = name("boundary");
      hear(stopped, id, merge, Interrupting::kYes);
    }
    if (chance(3)) {
      const std::string overdue = name("boundary");
      model_.boundary_timer(overdue, id, span(chance(2) ? 3 : 9)).flow(overdue, merge);
    }
    if (tells && names_.compensation) {  // beside, so that no second token comes to a join
      const std::string told = name("boundary"), aside = name("end");
      model_.boundary_on(told, id, model_.on_escalation("X"), false).end(aside).flow(told, aside);
    } else if (tells && !chance(4)) {
      const std::string told = name("boundary");
      const std::string heard = chance(2) ? merge : name("end");
      const bool interrupts = heard == merge;
      if (!interrupts) model_.end(heard);
      model_.boundary_on(told, id, model_.on_escalation(chance(2) ? "X" : ""), interrupts).flow(told, heard);
    }
    if (chance(4)) attach_aside(id);
    if (names_.compensation && chance(3)) undoable(id);
    return merge;
  }
  std::string loop(const std::string& from, int depth) {
    const std::string enter = name("enter"), again = name("again"), leave = name("leave");
    model_.exclusive(enter).flow(from, enter);
    const std::string last = task(sequence(enter, depth - 1));
    model_.exclusive(again, again + "_" + leave)
        .exclusive(leave)
        .flow(last, again)
        .flow(again, leave)
        .flow(again, enter, "is defined(x) and x = 9");
    return leave;
  }

  SeededRandom& random_;
  Names names_;
  TestModel model_;
  std::vector<std::string> ids_;
  int count_ = 0;
};

}  // namespace consilium::bpmn::engine
