#include <gtest/gtest.h>

#include <span>

#include "base/random.h"
#include "bpmn/feel/expression.h"

namespace consilium::bpmn::feel {
namespace {

Context example_variables() {
  auto parsed = parse_variables(R"({"a": 1, "b": "x", "t": true, "f": false, "n": null, "list": [1, 2, 3], "empty": [],
    "c": {"d": {"e": 5}, "name": "Ann"}, "people": [{"age": 10, "name": "A"}, {"age": 20, "name": "B"}]})");
  return *parsed;
}

std::string evaluated(std::string_view text) {
  auto expression = Expression::parse(text);
  if (!expression) return "syntax " + std::to_string(expression.error().position) + ": " + expression.error().message;
  const Context variables = example_variables();
  const auto result = expression->evaluate(ContextScope(variables));
  return result.gave_up ? "gave up" : to_json(result.value);
}

struct Example {
  std::string_view text;
  std::string_view result;
};

void expect_all(std::span<const Example> examples) {
  for (const auto& [text, result] : examples) EXPECT_EQ(evaluated(text), result) << text;
}

TEST(Feel, EvaluatesLiteralsAndPaths) {
  const Example examples[] = {{"null", "null"},
                              {"true", "true"},
                              {"1.50", "1.5"},
                              {".5", "0.5"},
                              {"\"a\\\"b\"", "\"a\\\"b\""},
                              {"a", "1"},
                              {"c.d.e", "5"},
                              {"c.d.x", "null"},
                              {"a.b", "null"},
                              {"missing", "null"},
                              {"missing.x", "null"},
                              {"[1, \"x\", null]", "[1,\"x\",null]"},
                              {"{a: 2, \"b c\": a + 1}", "{\"a\":2,\"b c\":3}"},
                              {"{}", "{}"},
                              {"[]", "[]"},
                              {"`a`", "1"},
                              {"people.name", "[\"A\",\"B\"]"},
                              {"1 // comment", "1"},
                              {"1 /* c */ + 2", "3"},
                              {"(1)", "1"}};
  expect_all(examples);
}

TEST(Feel, ComparesAndKeepsNullApart) {
  const Example examples[] = {{"a = 1", "true"},
                              {"a != 1", "false"},
                              {"a = 1.0", "true"},
                              {"b = \"x\"", "true"},
                              {"b != \"y\"", "true"},
                              {"a = \"1\"", "null"},
                              {"n = null", "true"},
                              {"missing = null", "true"},
                              {"a = null", "false"},
                              {"a != null", "true"},
                              {"null != null", "false"},
                              {"1 < 2", "true"},
                              {"2 <= 2", "true"},
                              {"\"a\" < \"b\"", "true"},
                              {"1 < \"b\"", "null"},
                              {"null > 1", "null"},
                              {"2 between 1 and 3", "true"},
                              {"4 between 1 and 3", "false"},
                              {"2 in [1, 2]", "true"},
                              {"3 in [1, 2]", "false"},
                              {"[1,2] = [1,2]", "true"},
                              {"{a: 1} = {a: 2}", "false"},
                              {"duration(\"PT60S\") = duration(\"PT1M\")", "true"},
                              {"duration(\"PT61S\") > duration(\"PT1M\")", "true"}};
  expect_all(examples);
}

TEST(Feel, HasThreeValuedLogic) {
  const Example examples[] = {
      {"true and true", "true"}, {"true and false", "false"}, {"false and null", "false"}, {"null and false", "false"},
      {"true and null", "null"}, {"null and null", "null"},   {"true or null", "true"},    {"null or true", "true"},
      {"false or null", "null"}, {"false or false", "false"}, {"1 and true", "null"},      {"not(true)", "false"},
      {"not(null)", "null"},     {"not(missing)", "null"},    {"t or f and f", "true"},    {"(t or f) and f", "false"}};
  expect_all(examples);
}

TEST(Feel, CalculatesExactly) {
  const Example examples[] = {{"0.1 + 0.2", "0.3"},
                              {"1 - 0.9", "0.1"},
                              {"2 ** 10", "1024"},
                              {"-2 ** 2", "4"},
                              {"2 * 3 + 4", "10"},
                              {"2 + 3 * 4", "14"},
                              {"10 / 4", "2.5"},
                              {"1 / 3", "0.3333333333333333333333333333333333"},
                              {"2 / 3", "0.6666666666666666666666666666666667"},
                              {"1 / 0", "null"},
                              {"8 - 3 - 2", "3"},
                              {"--1", "1"},
                              {"\"a\" + \"b\"", "\"ab\""},
                              {"\"a\" + 1", "null"},
                              {"1 + null", "null"},
                              {"99999999999999999999999999999999.99 + 0.01", "100000000000000000000000000000000"},
                              {"2 ** -1", "0.5"},
                              {"4 ** 0.5", "2"},
                              {"10 ** 7000", "null"},
                              {"1000000 * 1000000", "1000000000000"}};
  expect_all(examples);
}

TEST(Feel, KnowsDurations) {
  const Example examples[] = {{"duration(\"PT30S\")", "\"PT30S\""},
                              {"duration(\"PT30S\") * 2", "\"PT1M\""},
                              {"2 * duration(\"PT30S\")", "\"PT1M\""},
                              {"duration(\"P1D\") + duration(\"PT1H\")", "\"P1DT1H\""},
                              {"duration(\"PT1M\") / 2", "\"PT30S\""},
                              {"duration(\"P1DT2H3M4S\").hours", "2"},
                              {"duration(\"-PT30S\")", "\"-PT30S\""},
                              {"duration(\"--PT30S\")", "null"},
                              {"duration(\"nonsense\")", "null"},
                              {"duration(5)", "null"},
                              {"duration(\"PT1H\") - duration(\"PT1H\") = duration(\"PT0S\")", "true"},
                              {"duration(\"P20000D\") * 100000000", "null"}};
  expect_all(examples);
}

TEST(Feel, DecidesAndFilters) {
  const Example examples[] = {{"if t then 1 else 2", "1"},
                              {"if n then 1 else 2", "2"},
                              {"if a > 0 then if f then 1 else 3 else 2", "3"},
                              {"list[1]", "1"},
                              {"list[-1]", "3"},
                              {"list[a + 1]", "2"},
                              {"list[4]", "null"},
                              {"list[0]", "null"},
                              {"list[item > 1]", "[2,3]"},
                              {"people[age > 15].name", "[\"B\"]"},
                              {"people[1].name", "\"A\""},
                              {"a[1]", "1"},
                              {"empty[1]", "null"},
                              {"empty[item > 1]", "[]"},
                              {"missing[1]", "null"}};
  expect_all(examples);
}

TEST(Feel, CallsFunctions) {
  const Example examples[] = {{"is defined(a)", "true"},
                              {"is defined(missing)", "false"},
                              {"is defined(c.d.e)", "true"},
                              {"is defined(c.x)", "false"},
                              {"is defined(n)", "false"},
                              {"not(is defined(missing))", "true"},
                              {"string(1.5)", "\"1.5\""},
                              {"number(\"2.50\")", "2.5"},
                              {"number(\"x\")", "null"},
                              {"string length(\"añb\")", "3"},
                              {"upper case(\"ab\")", "\"AB\""},
                              {"contains(\"abc\", \"b\")", "true"},
                              {"starts with(\"abc\", \"ab\")", "true"},
                              {"ends with(\"abc\", \"bc\")", "true"},
                              {"count(list)", "3"},
                              {"sum(list)", "6"},
                              {"min(3, 1, 2)", "1"},
                              {"max(list)", "3"},
                              {"floor(-1.5)", "-2"},
                              {"ceiling(1.2)", "2"},
                              {"abs(-3)", "3"},
                              {"append(list, 4)", "[1,2,3,4]"},
                              {"list contains(list, 2)", "true"},
                              {"concatenate([1], [2])", "[1,2]"},
                              {"sum([1, \"x\"])", "null"},
                              {"string(duration(\"PT1M\"))", "\"PT1M\""}};
  expect_all(examples);
}

TEST(Feel, NamesTheErrorAndItsPlace) {
  const Example examples[] = {{"", "syntax 0: expected a value, but the expression ends"},
                              {"1 +", "syntax 3: expected a value, but the expression ends"},
                              {"(1", "syntax 2: expected ')', but the expression ends"},
                              {"a b", "syntax 2: unexpected 'b'"},
                              {"x(1)", "syntax 0: unknown function 'x'"},
                              {"\"abc", "syntax 0: text without closing quote"},
                              {"1 ? 2", "syntax 2: unexpected '?'"},
                              {"1 # 2", "syntax 2: unexpected character"},
                              {"if a then b", "syntax 11: expected 'else', but the expression ends"},
                              {"not()", "syntax 4: wrong number of arguments of 'not'"},
                              {"{a 1}", "syntax 4: expected ':', but found '}'"},
                              {"/* x", "syntax 0: comment without end"}};
  expect_all(examples);
}

TEST(Feel, TellsWhyAValueIsNull) {
  const Context none;
  const auto result = Expression::parse("x > 3")->evaluate(ContextScope(none));
  EXPECT_TRUE(result.value.is_null());
  ASSERT_EQ(result.problems.size(), 2u);
  EXPECT_EQ(result.problems[0], "no variable 'x'");
}

TEST(Feel, BoundsDepthLengthAndWork) {
  EXPECT_TRUE(
      Expression::parse(std::string(kMaxExpressionDepth / 2 - 2, '(') + "1" + std::string(kMaxExpressionDepth / 2 - 2, ')')).has_value());
  EXPECT_FALSE(Expression::parse(std::string(10'000, '(')).has_value());
  EXPECT_FALSE(Expression::parse(std::string(10'000, '-') + "1").has_value());
  EXPECT_FALSE(Expression::parse(std::string(10'000, '[')).has_value());
  std::string chain = "1";
  for (int i = 0; i < 5000; ++i) chain += "+1";
  EXPECT_EQ(evaluated(chain), "5001");  // long is not deep
  EXPECT_EQ(evaluated("{f: function(n) f(n + 1), x: f(1)}.x"), "gave up");
  EXPECT_EQ(evaluated("count(for a in 1..1000, b in 1..1000 return 1)"), "gave up");
  EXPECT_EQ(evaluated("for i in 1..9223372036854775807 return i"), "gave up");
  EXPECT_EQ(evaluated("matches(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\", \"^(a+)+$\")"), "null");
  EXPECT_EQ(evaluated("for i in 1..1000 return matches(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\", \"^(a+)+$\")"), "gave up");
  EXPECT_FALSE(Expression::parse("x in (x in (x in (" + std::string(60, '(')).has_value());
  EXPECT_FALSE(Expression::parse(std::string(kMaxExpressionBytes + 1, ' ')).has_value());
  // Shared parts: 2^40 items if they were written out.
  std::string bomb = "{a0: [1]";
  for (int i = 1; i < 40; ++i) bomb += ", a" + std::to_string(i) + ": [a" + std::to_string(i - 1) + ", a" + std::to_string(i - 1) + "]";
  EXPECT_EQ(evaluated(bomb + "}"), "gave up");
}

class Charged : public ::testing::Test {
 protected:
  static constexpr std::size_t kMany = 100'000;

  static const Context& variables() {
    static const Context made = [] {
      Context all;
      List numbers, truths, texts, entries;
      for (std::size_t i = 0; i < kMany; ++i) {
        numbers.emplace_back(static_cast<std::int64_t>(i));
        truths.emplace_back(true);
        texts.emplace_back(std::string("x"));
      }
      Context members;
      for (std::size_t i = 0; i < kMany; ++i) members.emplace("k" + std::to_string(i), 1);
      for (std::size_t i = 0; i < 20'000; ++i) entries.emplace_back(Context{{"key", "same"}, {"value", 1}});
      all.emplace("nested", List{Value(numbers), Value(numbers)});
      all.emplace("numbers", std::move(numbers));
      all.emplace("truths", std::move(truths));
      all.emplace("texts", std::move(texts));
      all.emplace("inside", Context{{"members", Value(members)}});
      all.emplace("members", std::move(members));
      all.emplace("entries", std::move(entries));
      all.emplace("text", std::string(1'000'000, 'a'));
      all.emplace("part", std::string(500'000, 'a') + "b");
      return all;
    }();
    return made;
  }

  static Evaluation evaluate(const std::string& text) {
    const auto expression = Expression::parse(text);
    EXPECT_TRUE(expression) << text;
    return expression ? expression->evaluate(ContextScope(variables())) : Evaluation();
  }
};

// So that no expression takes for ever, whatever it does with long lists and texts.
TEST_F(Charged, FunctionsCountWhatTheyGoThrough) {
  for (const char* call : {"list contains(numbers, -1)",
                           "list contains(nested, nested[1])",
                           "sum(numbers)",
                           "product(numbers)",
                           "min(numbers)",
                           "max(numbers)",
                           "mean(numbers)",
                           "median(numbers)",
                           "stddev(numbers)",
                           "mode(texts)",
                           "all(truths)",
                           "any(truths)",
                           "all(numbers)",
                           "index of(numbers, -1)",
                           "index of(nested, nested[1])",
                           "distinct values(nested)",
                           "sublist(numbers, 1, 90000)",
                           "append(numbers, 1)",
                           "concatenate(numbers, [1])",
                           "insert before(numbers, 1, 1)",
                           "remove(numbers, 1)",
                           "list replace(numbers, 1, 2)",
                           "reverse(numbers)",
                           "flatten(numbers)",
                           "partition(numbers, 100000)",
                           "string join(texts)",
                           "string(numbers)",
                           "is(numbers, numbers)",
                           "context put(inside, [\"members\", \"a\"], 1)",
                           "context merge([members, {}])",
                           "get entries(members)",
                           "context(entries)",
                           "contains(text, \"b\")",
                           "contains(text, part)",
                           "starts with(text, part)",
                           "substring before(text, \"b\")",
                           "substring after(text, \"b\")",
                           "substring(text, 1, 1)",
                           "string length(text)",
                           "upper case(text)",
                           "lower case(text)",
                           "trim(text)",
                           "replace(text, \"a\", \"\")",
                           "matches(text, \"aaaaaaaab\")",
                           "split(text, \"b\")",
                           "number(text)",
                           "range(text)",
                           "-1 in numbers",
                           "nested[1] in nested",
                           "numbers = numbers",
                           "text < text",
                           "text between text and text"})
    EXPECT_GE(evaluate(call).steps, 1'000) << call;
}

TEST_F(Charged, WhatIsTooMuchIsGivenUp) {
  for (const char* work :
       {"count(for i in 1..40000 return sum(numbers))", "count(for i in 1..40000 return list contains(numbers, -1))",
        "count(for i in 1..40000 return -1 in numbers)", "count(for i in 1..40000 return string length(string(numbers)))",
        "count(for i in 1..40000 return contains(text, part))", "count(for i in 1..40000 return text < text)",
        "count(concatenate(numbers, numbers, numbers))"})
    EXPECT_TRUE(evaluate(work).gave_up) << work;
}

TEST_F(Charged, WhatModelsDoStaysCheap) {
  for (const char* work :
       {"sum(numbers) + max(numbers) + count(numbers)", "mean(numbers)", "list contains(numbers, 99999)",
        "count(for i in 1..10000 return count(numbers))", "count(for i in 1..10000 return is empty(numbers))",
        "count(for i in 1..10000 return sublist(numbers, i, 3)[1])", "count(for i in 1..10000 return get value(members, \"k1\"))",
        "count(for i in 1..10000 return some x in numbers satisfies x = 0)",
        "string length(replace(substring(text, 1, 10000), \"a\", \"b\"))", "contains(text, part)"})
    EXPECT_FALSE(evaluate(work).gave_up) << work;
}

TEST(Feel, ReadsAttributesOfBothKinds) {
  EXPECT_TRUE(Expression::parse_attribute("plain text")->is_static());
  EXPECT_EQ(Expression::parse_attribute("plain text")->text(), "plain text");
  EXPECT_FALSE(Expression::parse_attribute("=1 + 1")->is_static());
  EXPECT_EQ(Expression::parse_attribute("=1 +").error().position, 4u);
}

TEST(Decimal, AgreesWithWholeNumbers) {
  SeededRandom random(11);
  for (int i = 0; i < 20'000; ++i) {
    const auto a = static_cast<std::int64_t>(random.below(2'000'000'001)) - 1'000'000'000;
    const auto b = static_cast<std::int64_t>(random.below(2'000'001)) - 1'000'000;
    EXPECT_EQ(Decimal::add(a, b)->to_integer(), a + b);
    EXPECT_EQ(Decimal::subtract(a, b)->to_integer(), a - b);
    EXPECT_EQ(Decimal::multiply(a, b)->to_integer(), a * b);
    EXPECT_EQ(Decimal(a) < Decimal(b), a < b);
    EXPECT_EQ(Decimal::parse(Decimal(a).text()), Decimal(a));
    if (b == 0) continue;
    const auto quotient = Decimal::divide(Decimal(a * b), b);
    EXPECT_EQ(quotient->to_integer(), a) << a << " " << b;
  }
}

TEST(Decimal, KeepsThirtyFourDigits) {
  const auto long_one = Decimal::parse("1234567890123456789012345678901234");
  EXPECT_EQ(long_one->text(), "1234567890123456789012345678901234");
  EXPECT_EQ(Decimal::parse("12345678901234567890123456789012345")->text(), "12345678901234567890123456789012340");  // half to even
  EXPECT_EQ(Decimal::parse("12345678901234567890123456789012355")->text(), "12345678901234567890123456789012360");
  EXPECT_EQ(Decimal::parse("123456789012345678901234567890123451")->text(), "123456789012345678901234567890123500");
  EXPECT_EQ(Decimal::add(*Decimal::parse("1"), *Decimal::parse("1e-60"))->text(), "1");
  EXPECT_EQ(Decimal::subtract(*Decimal::parse("1"), *Decimal::parse("1e-34"))->text(), "0.9999999999999999999999999999999999");
  EXPECT_EQ(Decimal::multiply(*long_one, *long_one)->text(), "1.524157875323883675049535156256667E+66");
  EXPECT_EQ(Decimal::parse("9.999e6144")->text(), "9.999E+6144");
  EXPECT_FALSE(Decimal::parse("1e6200").has_value());
  EXPECT_EQ(Decimal::parse("0e9999"), Decimal());
  for (const char* wrong : {"", "-", ".", "1.", ".5", "1e", "1e+", "0x1", "1 ", "--1", "1e1.5", "1e+-5"})
    EXPECT_FALSE(Decimal::parse(wrong).has_value()) << wrong;
}

TEST(Json, RoundTripsAndRefuses) {
  for (const char* text :
       {"null", "true", "[]", "{}", "[1,2.5,-3]", "{\"a\":{\"b\":[null]}}", "\"\\u0001\\n\\\"\"", "1E+60", "\"\xf0\x9f\x98\x80\""})
    EXPECT_EQ(to_json(*parse_json(text)), text);
  EXPECT_EQ(to_json(*parse_json(R"("\ud83d\ude00")")), "\"\xf0\x9f\x98\x80\"");
  for (const char* wrong :
       {"", "tru", "[1,]", "{\"a\"}", "{a:1}", "01", "1.", "\"\\x\"", "\"\\ud83d\"", "\"a", "[1] 2", "+1", "{\"a\":1,}", "\"\n\""})
    EXPECT_FALSE(parse_json(wrong).has_value()) << wrong;
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth + 1)).has_value());
  EXPECT_FALSE(parse_json(nested(kMaxJsonDepth + 2)).has_value());
  EXPECT_FALSE(parse_variables("[]").has_value());
  EXPECT_TRUE(parse_variables("")->empty());
}

}  // namespace
}  // namespace consilium::bpmn::feel
