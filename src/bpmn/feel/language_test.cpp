// The language beyond what a process needs every day: calendar values, ranges, functions, loops, types, tests of decision tables,
// and all built-in functions.
#include <gtest/gtest.h>

#include <set>
#include <span>

#include "base/random.h"
#include "bpmn/feel/builtins.h"
#include "bpmn/feel/evaluator.h"
#include "bpmn/feel/parser.h"
#include "bpmn/feel/text.h"

namespace consilium::bpmn::feel {
namespace {

struct Example {
  std::string_view text;
  std::string_view result;
};

const Context& variables() {
  static const Context made = *parse_variables(R"({"x": 5, "list": [3, 1, 2], "person": {"name": "Ann", "age": 30}, "t": true})");
  return made;
}

std::string evaluated(std::string_view text) {
  static SeededRandom random(7);
  const auto expression = Expression::parse(text);
  if (!expression) return "syntax: " + expression.error().message;
  const auto result = expression->evaluate(ContextScope(variables()), {Timestamp{1'700'000'000'000'000}, &random});
  return result.gave_up ? "gave up" : to_json(result.value);
}

void expect_all(std::span<const Example> examples) {
  for (const auto& [text, result] : examples) EXPECT_EQ(evaluated(text), result) << text;
}

TEST(FeelLanguage, KnowsDatesAndTimes) {
  const Example examples[] = {{R"(date("2024-02-29"))", R"("2024-02-29")"},
                              {R"(date("2023-02-29"))", "null"},
                              {R"(@"2024-01-31" + duration("P1M"))", R"("2024-02-29")"},
                              {R"(date(2024, 3, 1) - date(2024, 2, 1))", R"("P29D")"},
                              {R"(time("10:30:00+01:00").time offset)", R"("PT1H")"},
                              {R"(date and time("2024-07-01T12:00:00@Europe/Paris").time offset)", R"("PT2H")"},
                              {R"(date and time("2024-07-01T12:00:00@Europe/Paris") = date and time("2024-07-01T10:00:00Z"))", "true"},
                              {R"(date and time("2024-07-01T12:00:00@Nowhere/City"))", "null"},
                              {R"(date and time("2024-07-01T24:00:00"))", R"("2024-07-02T00:00:00")"},
                              {R"(time("23:00:00") + duration("PT2H"))", R"("01:00:00")"},
                              {R"(duration("P1Y2M").months)", "2"},
                              {R"(duration("P1Y") / 5)", R"("P2M")"},
                              {R"(duration("P1D") / duration("PT6H"))", "4"},
                              {R"(@"2024-01-01".weekday)", "1"},
                              {R"(years and months duration(@"2022-01-15", @"2024-03-14"))", R"("P2Y1M")"},
                              {R"(@"2024-01-01T10:00:00" < @"2024-01-01T10:00:00Z")", "null"},
                              {R"(string(@"-0044-03-15"))", R"("-0044-03-15")"},
                              {"now()", R"("2023-11-14T22:13:20Z")"},
                              {"today()", R"("2023-11-14")"},
                              {R"(week of year(@"2021-01-03"))", "53"},
                              {R"(last day of month(@"2024-02-01"))", R"("2024-02-29")"}};
  expect_all(examples);
}

TEST(FeelLanguage, KnowsRanges) {
  const Example examples[] = {{"5 in [1..5]", "true"},
                              {"5 in [1..5)", "false"},
                              {"5 in ]1..5[", "false"},
                              {"5 in (> 3, < 1)", "true"},
                              {"5 in > 7", "false"},
                              {"x in (1 + 1) * 2 + 1", "true"},
                              {"[1..10].end included", "true"},
                              {"(> 3).start", "3"},
                              {"[1..5] = [1..5]", "true"},
                              {"[5..1]", "null"},
                              {"string([1..5))", "\"[1..5)\""},
                              {"before([1..5), 5)", "true"},
                              {"meets([1..5], [5..7])", "true"},
                              {"overlaps([1..5], (5..7])", "false"},
                              {"overlaps before([1..5], [3..8])", "true"},
                              {"during(3, [1..5])", "true"},
                              {"starts([1..3], [1..5])", "true"},
                              {"finished by([1..5], 5)", "true"},
                              {"coincides([1..5], [1..5))", "false"},
                              {"includes([1..5], 6)", "false"},
                              {"range(\"[1..5)\") = [1..5)", "true"},
                              {R"("c" in ["a".."d"])", "true"}};
  expect_all(examples);
}

TEST(FeelLanguage, LoopsAndQuantifies) {
  const Example examples[] = {{"for i in 1..3 return i * i", "[1,4,9]"},
                              {"for i in 3..1 return i", "[3,2,1]"},
                              {"for i in [1..3) return i", "[1,2]"},
                              {"for i in 0..4 return if i = 0 then 1 else i * partial[-1]", "[1,1,2,6,24]"},
                              {"for a in [1, 2], b in [10, 20] return a + b", "[11,21,12,22]"},
                              {"for a in [[1, 2], [3]], b in a return b", "[1,2,3]"},
                              {R"(for d in @"2024-02-28"..@"2024-03-01" return d.day)", "[28,29,1]"},
                              {"some i in list satisfies i > 2", "true"},
                              {"every i in list satisfies i > 2", "false"},
                              {"every i in [] satisfies false", "true"},
                              {"some a in [1, 2], b in [2, 3] satisfies a = b", "true"},
                              {"for i in null return i", "null"}};
  expect_all(examples);
}

TEST(FeelLanguage, DefinesFunctions) {
  const Example examples[] = {{"{twice: function(n) n * 2, r: twice(4)}.r", "8"},
                              {"{f: function(a, b) a - b, r: f(b: 1, a: 5)}.r", "4"},
                              {"{f: function(n: number) n, r: f(\"x\")}.r", "null"},
                              {"{fact: function(n) if n <= 1 then 1 else n * fact(n - 1), r: fact(20)}.r", "2432902008176640000"},
                              {"sort(list, function(a, b) a > b)", "[3,2,1]"},
                              {"sort(list)", "[1,2,3]"},
                              {"(function(n) n + x)(1)", "6"},
                              {"{make: function(n) function(m) n + m, r: make(1)(2)}.r", "3"},
                              {"substring(string: \"hello\", start position: 2, length: 2)", R"("el")"},
                              {"substring(\"hello\", word: 2)", "syntax: either all arguments are named or none"},
                              {"{f: function(a) external {java: {class: \"x\"}}, r: f(1)}.r", "null"},
                              {"{f: abs, r: f(-1)}.r", "1"}};
  expect_all(examples);
}

TEST(FeelLanguage, KnowsTypes) {
  const Example examples[] = {{"1 instance of number", "true"},
                              {"null instance of Any", "false"},
                              {"[1, 2] instance of list<number>", "true"},
                              {"[1, \"a\"] instance of list<number>", "false"},
                              {"{a: 1} instance of context<a: number>", "true"},
                              {"{a: 1} instance of context<b: number>", "false"},
                              {"[1..2] instance of range<number>", "true"},
                              {R"(@"P1D" instance of days and time duration)", "true"},
                              {R"(@"P1Y" instance of days and time duration)", "false"},
                              {"(function(a: number) a) instance of function<number> -> Any", "true"},
                              {"1 instance of thing", "syntax: there is no type 'thing'"}};
  expect_all(examples);
}

TEST(FeelLanguage, CallsEveryFunction) {
  const Example examples[] = {{"all([true, null])", "null"},
                              {"any([false, true])", "true"},
                              {"assert(x, x > 3)", "5"},
                              {"assert(x, x > 9, \"too small\")", "null"},
                              {"get or else(missing, 7)", "7"},
                              {"not(true)", "false"},
                              {"string({a: [1, \"b\"]})", R"("{a: [1, \"b\"]}")"},
                              {"number(\"1 234,5\", \" \", \",\")", "1234.5"},
                              {"is(@\"10:00:00Z\", @\"10:00:00+00:00\")", "true"},
                              {"string length(uuid())", "36"},
                              {"random number() < 1", "true"},
                              {"substring(\"f\\u00e4\\U01F40Eb\", 3, 1)", "\"\xF0\x9F\x90\x8E\""},
                              {"substring(\"foobar\", -3)", R"("bar")"},
                              {"upper case(\"stra\xC3\x9F"
                               "e\")",
                               R"("STRASSE")"},
                              {"substring before(\"foobar\", \"bar\")", R"("foo")"},
                              {"substring after(\"foobar\", \"ob\")", R"("ar")"},
                              {"trim(\"  a b \")", R"("a b")"},
                              {"is blank(\" \\n\")", "true"},
                              {"to base64(\"FEEL\")", R"("RkVFTA==")"},
                              {"matches(\"foobar\", \"^fo*b\")", "true"},
                              {"matches(\"FOO\", \"foo\", \"i\")", "true"},
                              {"matches(\"a\\nb\", \"a.b\")", "false"},
                              {"matches(\"a\\nb\", \"a.b\", \"s\")", "true"},
                              {"matches(\"ab\", \"a b\", \"x\")", "true"},
                              {"matches(\"x\", \"(?=x)\")", "null"},
                              {"matches(\"x\", \"[a-z-[aeiou]]\")", "true"},
                              {"matches(\"e\", \"[a-z-[aeiou]]\")", "false"},
                              {"replace(\"abcd\", \"(ab)|(a)\", \"[1=$1][2=$2]\")", R"("[1=ab][2=]cd")"},
                              {"replace(\"abc\", \"b\", \"$x\")", "null"},
                              {"replace(\"a.b\", \".\", \"-\", \"q\")", R"("a-b")"},
                              {"split(\"a;b;;c\", \";\")", R"(["a","b","","c"])"},
                              {"extract(\"a1b22\", \"[0-9]+\")", R"(["1","22"])"},
                              {"string join([\"a\", null, \"b\"], \"-\")", R"("a-b")"},
                              {"string join([\"a\", \"b\"], \",\", \"<\", \">\")", R"("<a,b>")"},
                              {"decimal(2.5, 0)", "2"},
                              {"round half up(-2.5, 0)", "-3"},
                              {"round half down(2.5, 0)", "2"},
                              {"round up(1.121, 2)", "1.13"},
                              {"round down(-1.129, 2)", "-1.12"},
                              {"floor(-1.55, 1)", "-1.6"},
                              {"ceiling(1.51, 1)", "1.6"},
                              {"modulo(-12, 5)", "3"},
                              {"modulo(10.1, -4.5)", "-3.4"},
                              {"sqrt(16)", "4"},
                              {"exp(0)", "1"},
                              {"decimal(log(10), 10)", "2.302585093"},
                              {"odd(5)", "true"},
                              {"even(1.5)", "false"},
                              {"mean([1, 2, 6])", "3"},
                              {"median(8, 2, 5, 3)", "4"},
                              {"stddev(2, 4, 7, 5)", "2.081665999466132735282297706979931"},
                              {"mode([6, 3, 9, 6, 6])", "[6]"},
                              {"product(2, 3, 4)", "24"},
                              {"sublist(list, 2, 1)", "[1]"},
                              {"insert before(list, 1, 9)", "[9,3,1,2]"},
                              {"remove(list, -1)", "[3,1]"},
                              {"list replace(list, 2, 9)", "[3,9,2]"},
                              {"list replace(list, function(item, new) item > 1, 0)", "[0,1,0]"},
                              {"reverse(list)", "[2,1,3]"},
                              {"index of([1, 2, 1], 1)", "[1,3]"},
                              {"union([1, 2], [2, 3])", "[1,2,3]"},
                              {"distinct values([1, 1, null, null])", "[1,null]"},
                              {"duplicate values([1, 2, 1])", "[1]"},
                              {"flatten([[1, [2]], 3])", "[1,2,3]"},
                              {"partition([1, 2, 3], 2)", "[[1,2],[3]]"},
                              {"is empty([])", "true"},
                              {"get value(person, \"name\")", R"("Ann")"},
                              {"get value({a: {b: 1}}, [\"a\", \"b\"])", "1"},
                              {"get entries({a: 1})", R"([{"key":"a","value":1}])"},
                              {"context([{key: \"a\", value: 1}])", R"({"a":1})"},
                              {"context put({a: {b: 1}}, [\"a\", \"b\"], 2)", R"({"a":{"b":2}})"},
                              {"context merge([{a: 1}, {a: 2, b: 3}])", R"({"a":2,"b":3})"},
                              {"day of week(@\"2019-09-17\")", R"("Tuesday")"},
                              {"month of year(@\"2019-09-17\")", R"("September")"},
                              {"day of year(@\"2019-09-17\")", "260"}};
  expect_all(examples);
}

TEST(FeelLanguage, HasNoFunctionThatCrashesOnAnyArguments) {
  SeededRandom random(23);
  const std::vector<std::string> values = {"null",
                                           "true",
                                           "0",
                                           "-1.5",
                                           "1e3000",
                                           "\"\"",
                                           "\"a(b\"",
                                           "[]",
                                           "[1, \"a\", null]",
                                           "{}",
                                           "{key: \"k\", value: 1}",
                                           "[[\"a\"], {}]",
                                           "@\"2024-02-29\"",
                                           "@\"10:00:00@Europe/Paris\"",
                                           "@\"-999999999-01-01T00:00:00Z\"",
                                           "@\"P999999D\"",
                                           "@\"-P1Y\"",
                                           "[1..2]",
                                           "(< 5)",
                                           "function(a, b) a < b",
                                           "function() 1"};
  ParseOptions lenient;
  lenient.strict = false;
  for (const Builtin* builtin : all_builtins()) {
    for (int round = 0; round < 200; ++round) {
      std::string text = std::string(builtin->name) + '(';
      for (std::uint64_t count = random.below(5), i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + values[random.below(values.size())];
      const auto expression = Expression::parse(text + ')', lenient);
      ASSERT_TRUE(expression.has_value()) << text;
      const auto result = expression->evaluate(ContextScope(variables()));
      EXPECT_LE(to_json(result.value).size(), 4096u) << text;
    }
  }
}

TEST(FeelLanguage, TestsOfDecisionTables) {
  const auto passes = [](std::string_view tests, std::string_view input) {
    ParseOptions options;
    const auto tree = parse_tests(tests, options);
    if (!tree) return "syntax: " + tree.error().message;
    const Environment nothing;
    Machine machine(nothing);
    const Value value = Expression::parse(input)->evaluate(ContextScope(variables())).value;
    return to_json(machine.test(*tree, value, ContextScope(variables())));
  };
  EXPECT_EQ(passes("-", "null"), "true");
  EXPECT_EQ(passes("5", "5"), "true");
  EXPECT_EQ(passes("< 5, > 10", "7"), "false");
  EXPECT_EQ(passes("not(< 5, > 10)", "7"), "true");
  EXPECT_EQ(passes("[1..7)", "7"), "false");
  EXPECT_EQ(passes("\"a\", \"b\"", "\"b\""), "true");
  EXPECT_EQ(passes("[\"a\", \"b\"]", "\"b\""), "true");
  EXPECT_EQ(passes("? > 3 and ? < 9", "7"), "true");
  EXPECT_EQ(passes("x", "5"), "true");
  EXPECT_EQ(passes("contains(?, \"b\")", "\"abc\""), "true");
  EXPECT_EQ(passes("null", "null"), "true");
  EXPECT_EQ(passes("> @\"2024-01-01\"", "@\"2024-01-02\""), "true");
  EXPECT_EQ(passes("< 5,", "7"), "syntax: expected a value, but the expression ends");
}

TEST(FeelLanguage, FindsNamesOfSeveralWords) {
  NameSet names, members;
  for (const char* name : {"Monthly Salary", "Pre-bureau risk", "a + b", "a", "b", "Employee"}) names.add(name);
  for (const char* name : {"dept num", "full name"}) members.add(name);
  const ParseOptions options{&names, &members, {}, false};
  const Context scope = {
      {"Monthly Salary", 10},
      {"Pre-bureau risk", "LOW"},
      {"a + b", 100},
      {"a", 1},
      {"b", 2},
      {"Employee", List{Context{{"dept num", 7}, {"full name", "Ann"}}, Context{{"dept num", 8}, {"full name", "Bob"}}}}};
  const auto value = [&](std::string_view text) {
    const auto parsed = Expression::parse(text, options);
    return parsed ? to_json(parsed->evaluate(ContextScope(scope)).value) : "syntax: " + parsed.error().message;
  };
  EXPECT_EQ(value("Monthly Salary * 12"), "120");
  EXPECT_EQ(value("Monthly   Salary*12"), "120");
  EXPECT_EQ(value("Pre-bureau risk = \"LOW\""), "true");
  EXPECT_EQ(value("a + b"), "100");
  EXPECT_EQ(value("a+b"), "100");
  EXPECT_EQ(value("b + a"), "3");
  EXPECT_EQ(value("Employee[dept num = 8].full name"), "[\"Bob\"]");
  EXPECT_EQ(value("for each one in [1, 2] return each one + a"), "[2,3]");
  EXPECT_EQ(value("{first part: 1, second part: first part + 1}.second part"), "2");
}

// ---- random expressions

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::string expression(int depth) {
    if (depth == 0) return leaf();
    const auto inner = [&] { return '(' + expression(depth - 1) + ')'; };
    switch (random_.below(19)) {
      case 0: return inner() + pick({" + ", " - ", " * ", " / ", " ** "}) + inner();
      case 1: return inner() + pick({" = ", " != ", " < ", " <= ", " > ", " >= "}) + inner();
      case 2: return inner() + pick({" and ", " or "}) + inner();
      case 3: return "if " + inner() + " then " + inner() + " else " + inner();
      case 4: return "[" + inner() + ", " + inner() + "]";
      case 5: return "{a: " + inner() + ", \"b c\": " + inner() + "}";
      case 6: return "(" + inner() + ")[" + inner() + "]";
      case 7: return "(" + inner() + ")." + pick({"a", "year", "start", "`b c`"});
      case 8: return "for i in " + inner() + " return " + inner();
      case 9: return pick({"some", "every"}) + " i in " + inner() + " satisfies " + inner();
      case 10: return "(" + inner() + ") between " + inner() + " and " + inner();
      case 11: return "(" + inner() + ") in (" + pick({"", "< ", ">= ", "!= "}) + leaf() + ", " + leaf() + ")";
      case 12: return pick({"[", "("}) + leaf() + ".." + leaf() + pick({"]", ")"});
      case 13: return "(function(p, q: number) " + inner() + ")(" + inner() + ", " + inner() + ")";
      case 14:
        return "(" + inner() + ") instance of " +
               pick({"number", "list<string>", "context<a: Any>", "range<date>", "function<number> -> Any"});
      case 15: return pick({"count", "sum", "min", "string", "flatten", "sort", "reverse", "abs"}) + "(" + inner() + ")";
      case 16: return "-(" + inner() + ")";
      case 17: return "(" + pick({"< ", ">= ", "= "}) + leaf() + ")";
      default: return leaf();
    }
  }

 private:
  std::string pick(std::initializer_list<const char*> choices) {
    return *(choices.begin() + static_cast<std::ptrdiff_t>(random_.below(choices.size())));
  }
  std::string leaf() {
    return pick({"null", "true", "0", "1", "-2.5", "1e300", "\"text\"", "\"q\\\"\\\\\"", "x", "list", "person", "i", "missing",
                 "@\"2024-02-29\"", "@\"P1D\"", "@\"P3M\"", "@\"10:00:00Z\"", "[1, 2, 3]", "{a: 1}"});
  }

  SeededRandom random_;
};

TEST(FeelLanguage, PrintsWhatParsesToTheSameAndNeverCrashes) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    const std::string text = Generator(seed).expression(static_cast<int>(1 + seed % 5));
    const auto first = Expression::parse(text);
    ASSERT_TRUE(first.has_value()) << "seed " << seed << ": " << text << ": " << first.error().message;
    const std::string printed = print(*first->tree());
    const auto second = Expression::parse(printed);
    ASSERT_TRUE(second.has_value()) << "seed " << seed << ": " << text << "\nprinted " << printed << ": " << second.error().message;
    EXPECT_EQ(print(*second->tree()), printed) << "seed " << seed << ": " << text;
    const auto a = first->evaluate(ContextScope(variables())), b = second->evaluate(ContextScope(variables()));
    EXPECT_EQ(to_json(a.value), to_json(b.value)) << "seed " << seed << ": " << text << "\nprinted " << printed;
    EXPECT_EQ(a.gave_up, b.gave_up) << "seed " << seed;
  }
}

TEST(FeelLanguage, KeepsValuesAsTheyAreInJson) {
  const Value value = Expression::parse(R"({d: @"2024-02-29", f: function() 1, r: [1..2], s: "x", n: [1.50, @"PT60S"]})")
                          ->evaluate(ContextScope(variables()))
                          .value;
  EXPECT_EQ(to_json(value), R"({"d":"2024-02-29","f":null,"n":[1.5,"PT1M"],"r":"[1..2]","s":"x"})");
  EXPECT_EQ(*parse_json(to_json(value)), as_json(value));
}

TEST(FeelDecimal, RootsPowersAndLogarithmsHaveAllDigits) {
  const auto number = [](std::string_view text) { return *Decimal::parse(text); };
  EXPECT_EQ(number("2").square_root()->text(), "1.414213562373095048801688724209698");
  EXPECT_EQ(number("1").exponential()->text(), "2.718281828459045235360287471352662");
  EXPECT_EQ(number("10").natural_logarithm()->text(), "2.302585092994045684017991454684364");
  EXPECT_EQ(Decimal::power(number("2"), number("0.5"))->text(), "1.414213562373095048801688724209698");
  EXPECT_EQ(Decimal::power(number("1.1"), number("100"))->text(), "13780.61233982227018411833717208964");
  EXPECT_FALSE(Decimal::power(number("-1"), number("0.5")).has_value());
  EXPECT_FALSE(Decimal::power(number("0"), number("-1")).has_value());
  EXPECT_FALSE(number("-1").square_root().has_value());
  EXPECT_FALSE(number("0").natural_logarithm().has_value());
  EXPECT_FALSE(number("20000").exponential().has_value());
}

TEST(FeelDecimal, TheQuickWayGivesWhatTheLongOneDoes) {
  SeededRandom random(5);
  const auto digits = [&] {
    std::string text = random.below(2) == 0 ? "-" : "";
    for (std::uint64_t count = 1 + random.below(18), i = 0; i < count; ++i) text += static_cast<char>('0' + random.below(10));
    return text + "e" + std::to_string(static_cast<int>(random.below(40)) - 20);
  };
  for (int i = 0; i < 20'000; ++i) {
    const Decimal a = *Decimal::parse(digits()), b = *Decimal::parse(digits()), far = *Decimal::parse("1e-3000");
    // With something far away added and taken off the long way is gone.
    const auto sum = Decimal::add(a, b);
    EXPECT_EQ(Decimal::subtract(*sum, a), b.is_zero() ? Decimal() : Decimal::subtract(*sum, a));
    EXPECT_EQ(Decimal::add(a, b), Decimal::subtract(a, b.negated()));
    const auto product = Decimal::multiply(a, b);
    const auto scaled = Decimal::multiply(*Decimal::multiply(a, far), b);
    EXPECT_EQ(product, Decimal::divide(*scaled, far));
    if (b.is_zero()) continue;
    EXPECT_EQ(Decimal::add(*Decimal::modulo(a, b), *Decimal::modulo(a.negated(), b)), Decimal::modulo(a, b)->is_zero() ? Decimal() : b);
  }
}

// A pattern that stands in the expression is compiled with it, any other one at each call.
TEST(Language, PatternsAreCompiledOnce) {
  const Context variables = *parse_variables(R"({"p": "b+", "f": "i", "names": ["abba", "BOB", "anna"]})");
  const auto compiled = [&](std::string_view text) {
    const std::int64_t before = Pattern::compiled();
    const auto expression = Expression::parse(text);
    EXPECT_TRUE(expression.has_value()) << text;
    const auto first = expression->evaluate(ContextScope(variables));
    EXPECT_TRUE(first.problems.empty()) << text;
    for (int i = 0; i < 9; ++i) EXPECT_EQ(expression->evaluate(ContextScope(variables)).value, first.value) << text;
    return Pattern::compiled() - before;
  };
  EXPECT_EQ(compiled("matches(\"abba\", \"b+\")"), 1);
  EXPECT_EQ(compiled("names[matches(item, \"b+\", \"i\")]"), 1);
  EXPECT_EQ(compiled("matches(input: \"abba\", pattern: \"b+\")"), 1);
  EXPECT_EQ(compiled("for n in names return replace(n, \"[ab]\", \"x\")"), 1);
  EXPECT_EQ(compiled("split(\"a,b\", \",\")"), 1);
  EXPECT_EQ(compiled("extract(\"abba\", \"b.\")"), 1);
  EXPECT_EQ(compiled("matches(\"abba\", p)"), 10);
  EXPECT_EQ(compiled("matches(\"abba\", \"b+\", f)"), 10);
  EXPECT_EQ(compiled("string join([\"a\", \"b\"], \",\")"), 0);
  const std::int64_t before = Pattern::compiled();
  const auto wrong = Expression::parse("matches(\"a\", \"(\")");
  ASSERT_TRUE(wrong.has_value());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(wrong->evaluate(ContextScope(variables)).problems.size(), 1u);
  EXPECT_LE(Pattern::compiled() - before, 1);
}

}  // namespace
}  // namespace consilium::bpmn::feel
