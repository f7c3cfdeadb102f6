#include "bpmn/feel/parser.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "bpmn/feel/builtins.h"
#include "bpmn/feel/lexer.h"
#include "bpmn/feel/text.h"

namespace consilium::bpmn::feel {
namespace {

using Index = std::uint32_t;

constexpr std::array<std::string_view, 16> kReserved = {"and",   "or",   "if",  "then",   "else", "between", "in",        "true",
                                                        "false", "null", "for", "return", "some", "every",   "satisfies", "instance"};

bool is_reserved(std::string_view name) { return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end(); }

std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  if (const auto tokens = split_tokens(name)) {
    for (const Token& token : *tokens) {
      if (token.kind != TokenKind::kEnd) words.push_back(token.text);
    }
  }
  return words;
}

const NameSet& builtin_members() {
  static const NameSet set = [] {
    NameSet made;
    for (const char* name : {"time offset", "start included", "end included"}) made.add(name);
    return made;
  }();
  return set;
}

constexpr std::pair<std::string_view, Operator> kComparisons[] = {{"=", Operator::kEqual},   {"!=", Operator::kNotEqual},
                                                                  {"<", Operator::kLess},    {"<=", Operator::kLessOrEqual},
                                                                  {">", Operator::kGreater}, {">=", Operator::kGreaterOrEqual}};

class Parser {
 public:
  Parser(std::vector<Token> tokens, const ParseOptions& options) : tokens_(std::move(tokens)), options_(options) {}

  std::expected<std::shared_ptr<const Ast>, SyntaxError> run() { return finish(expression()); }

  std::expected<std::shared_ptr<const Ast>, SyntaxError> run_tests() {
    Node node;
    node.kind = NodeKind::kTests;
    if (is_symbol("-") && tokens_[at_ + 1].kind == TokenKind::kEnd) {
      ++at_;
      return finish(add(std::move(node)));
    }
    // `not(` … `)` to the end negates the tests in it; with more behind it, it is the function.
    const Save start = save();
    if (take_word("not") && take_symbol("(")) {
      node.negated = true;
      if (tests(node.children) && take_symbol(")") && current().kind == TokenKind::kEnd) return finish(add(std::move(node)));
      restore(start);
      node.negated = false;
      node.children.clear();
    }
    restore(start);
    if (!tests(node.children)) return finish(std::nullopt);
    return finish(add(std::move(node)));
  }

  std::expected<TypePointer, SyntaxError> run_type() {
    TypePointer parsed = type();
    if (parsed && current().kind != TokenKind::kEnd) refuse("unexpected '" + current().text + "'");
    if (error_) return std::unexpected(std::move(*error_));
    return parsed;
  }

 private:
  using Parsed = std::optional<Index>;  // nullopt: error_ is set

  // Counts how deep the descent is; every way down passes through `expression`, `unary` or `type`.
  struct Level {
    explicit Level(Parser& p) : parser(p) { ++parser.depth_; }
    ~Level() { --parser.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    bool too_deep() const { return parser.depth_ > kMaxExpressionDepth; }
    Parser& parser;
  };

  // For what is known to be of one form only after reading it.
  struct Save {
    std::size_t at = 0;
    std::size_t nodes = 0;
  };
  Save save() const { return {at_, ast_->nodes.size()}; }
  void restore(const Save& saved) {
    at_ = saved.at;
    ast_->nodes.resize(saved.nodes);
    if (work_ <= kMaxWork) error_.reset();
  }

  std::expected<std::shared_ptr<const Ast>, SyntaxError> finish(Parsed root) {
    if (root && current().kind != TokenKind::kEnd) refuse("unexpected '" + current().text + "'");
    if (error_) return std::unexpected(std::move(*error_));
    ast_->root = *root;
    return ast_;
  }

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead(std::size_t count) const { return tokens_[std::min(at_ + count, tokens_.size() - 1)]; }
  bool is_symbol(std::string_view symbol) const { return current().kind == TokenKind::kSymbol && current().text == symbol; }
  bool is_word(std::string_view word) const { return current().kind == TokenKind::kName && !current().in_ticks && current().text == word; }
  bool take_symbol(std::string_view symbol) {
    if (!is_symbol(symbol)) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (!is_word(word)) return false;
    ++at_;
    return true;
  }
  std::nullopt_t refuse(std::string message) {
    if (!error_) error_ = SyntaxError{current().position, std::move(message)};
    return std::nullopt;
  }
  bool expect_symbol(std::string_view symbol) {
    if (take_symbol(symbol)) return true;
    refuse("expected '" + std::string(symbol) + "'" + found());
    return false;
  }
  bool expect_word(std::string_view word) {
    if (take_word(word)) return true;
    refuse("expected '" + std::string(word) + "'" + found());
    return false;
  }
  std::string found() const {
    return current().kind == TokenKind::kEnd ? ", but the expression ends" : ", but found '" + current().text + "'";
  }

  Index add(Node node) {
    ast_->nodes.push_back(std::move(node));
    return static_cast<Index>(ast_->nodes.size() - 1);
  }
  Index add(NodeKind kind, std::size_t position, std::vector<Index> children) {
    Node node;
    node.kind = kind;
    node.position = static_cast<Index>(position);
    node.children = std::move(children);
    return add(std::move(node));
  }

  // ---- names

  // Names that the expression itself brings: variables of loops, parameters, entries of contexts.
  struct LocalNames {
    explicit LocalNames(Parser& p) : parser(p), size(p.locals_.size()) {}
    ~LocalNames() { parser.locals_.resize(size); }
    LocalNames(const LocalNames&) = delete;
    LocalNames& operator=(const LocalNames&) = delete;
    Parser& parser;
    std::size_t size;
  };
  void declare(const std::string& name) { locals_.push_back({name, words_of(name)}); }
  bool is_local(std::string_view name) const {
    return std::any_of(locals_.begin(), locals_.end(), [&](const NameSet::Name& local) { return local.name == name; });
  }

  bool stands_here(const std::vector<std::string>& words) const {
    if (words.empty() || at_ + words.size() >= tokens_.size()) return false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const Token& token = tokens_[at_ + i];
      if (token.kind == TokenKind::kText || token.kind == TokenKind::kEnd || token.in_ticks || token.text != words[i]) return false;
    }
    return true;
  }
  void longest(const std::vector<NameSet::Name>& names, const NameSet::Name*& best) const {
    for (const NameSet::Name& name : names) {
      if ((!best || name.words.size() > best->words.size()) && stands_here(name.words)) best = &name;
    }
  }
  void longest(const NameSet* names, const NameSet::Name*& best) const {
    const auto* candidates = names ? names->beginning_with(current().text) : nullptr;
    if (candidates) longest(*candidates, best);
  }

  std::string take_longest(const NameSet::Name* best) {
    if (!best) return tokens_[at_++].text;
    at_ += best->words.size();
    return best->name;
  }

  std::string take_name() {
    const NameSet::Name* best = nullptr;
    if (!current().in_ticks) {
      longest(options_.names, best);
      longest(locals_, best);
      if (filters_ > 0) {
        longest(options_.members, best);
        longest(seen_members_, best);
      }
    }
    return take_longest(best);
  }

  std::string take_member() {
    const NameSet::Name* best = nullptr;
    if (!current().in_ticks) {
      longest(options_.members, best);
      longest(&builtin_members(), best);
      longest(seen_members_, best);
    }
    if (best || current().in_ticks || options_.strict) return take_longest(best);
    std::string name = tokens_[at_++].text;  // two words beside each other can only be one name
    while (current().kind == TokenKind::kName && !current().in_ticks && !is_reserved(current().text)) name += ' ' + tokens_[at_++].text;
    return name;
  }

  // A name that is declared: everything up to `stop`, as it is spelled.
  std::optional<std::string> declared_name(std::initializer_list<std::string_view> stop) {
    if (current().kind == TokenKind::kText) return tokens_[at_++].text;
    std::string name;
    const auto stops = [&] {
      return std::any_of(stop.begin(), stop.end(), [&](std::string_view s) { return is_symbol(s) || (!name.empty() && is_word(s)); });
    };
    if (current().kind != TokenKind::kName) {
      refuse("expected a name" + found());
      return std::nullopt;
    }
    while (current().kind != TokenKind::kEnd && current().kind != TokenKind::kText && !stops()) {
      if (is_symbol("{") || is_symbol("}") || is_symbol("(") || is_symbol("[")) break;
      if (!name.empty() && current().after_space) name += ' ';
      name += tokens_[at_++].text;
    }
    return name;
  }

  // ---- expressions

  Parsed expression() {
    const Level level(*this);
    if (level.too_deep()) return refuse("nested too deep");
    if (++work_ > kMaxWork) return refuse("the expression is too complicated");
    return disjunction();
  }

  // Chains of one level (`a or b or c`, `1 + 2 - 3`) are one node, so that a long one is not a deep one.
  template <class Operand>
  Parsed logical(NodeKind kind, std::string_view word, Operand operand) {
    const std::size_t position = current().position;
    const auto first = operand();
    if (!first || !is_word(word)) return first;
    std::vector<Index> children = {*first};
    while (take_word(word)) {
      const auto next = operand();
      if (!next) return std::nullopt;
      children.push_back(*next);
    }
    return add(kind, position, std::move(children));
  }

  Parsed disjunction() {
    return logical(NodeKind::kOr, "or", [this] { return conjunction(); });
  }
  Parsed conjunction() {
    return logical(NodeKind::kAnd, "and", [this] { return comparison(); });
  }

  std::optional<Operator> take_comparison() {
    for (const auto& [symbol, which] : kComparisons) {
      if (take_symbol(symbol)) return which;
    }
    return std::nullopt;
  }
  bool at_comparison() const {
    return std::any_of(std::begin(kComparisons), std::end(kComparisons), [&](const auto& c) { return is_symbol(c.first); });
  }

  Parsed comparison() {
    auto left = sum();
    for (int length = 0; left; ++length) {
      const std::size_t position = current().position;
      Node node;
      node.position = static_cast<Index>(position);
      node.children = {*left};
      if (const auto which = take_comparison()) {
        node.kind = NodeKind::kCompare;
        node.operators = {*which};
        const auto right = sum();
        if (!right) return std::nullopt;
        node.children.push_back(*right);
      } else if (take_word("between")) {
        node.kind = NodeKind::kBetween;
        const auto low = sum();
        if (!low || !expect_word("and")) return std::nullopt;
        const auto high = sum();
        if (!high) return std::nullopt;
        node.children.insert(node.children.end(), {*low, *high});
      } else if (take_word("in")) {
        node.kind = NodeKind::kIn;
        if (!tests_of_in(node.children)) return std::nullopt;
      } else if (is_word("instance") && ahead(1).kind == TokenKind::kName && ahead(1).text == "of") {
        at_ += 2;
        node.kind = NodeKind::kInstanceOf;
        TypePointer wanted = type();
        if (!wanted) return std::nullopt;
        node.types = {std::move(wanted)};
      } else {
        break;
      }
      if (length + depth_ >= kMaxExpressionDepth) return refuse("chain of operators too long");
      left = add(std::move(node));
    }
    return left;
  }

  // After `in`: one test, or several in parentheses. What begins with a parenthesis may as well be a range or a value.
  bool tests_of_in(std::vector<Index>& out) {
    if (is_symbol("(")) {
      const Save start = save();
      const std::size_t before = out.size();
      ++at_;
      if (tests(out) && take_symbol(")") && !continues_value()) return true;
      out.resize(before);
      restore(start);
    }
    const auto only = test();
    if (only) out.push_back(*only);
    return only.has_value();
  }

  bool continues_value() const {
    static constexpr std::string_view kSigns[] = {"+", "-", "*", "/", "**", ".", "["};
    return std::any_of(std::begin(kSigns), std::end(kSigns), [&](std::string_view s) { return is_symbol(s); });
  }

  bool tests(std::vector<Index>& out) {
    do {
      const auto one = test();
      if (!one) return false;
      out.push_back(*one);
    } while (take_symbol(","));
    return true;
  }

  Parsed test() {
    const std::size_t position = current().position;
    const std::size_t first = ast_->nodes.size();
    if (const auto which = take_comparison()) {
      const auto operand = sum();
      if (!operand) return std::nullopt;
      Node node;
      node.kind = NodeKind::kComparisonTest;
      node.position = static_cast<Index>(position);
      node.operators = {*which};
      node.children = {*operand};
      return add(std::move(node));
    }
    const auto value = expression();
    if (!value) return std::nullopt;
    for (std::size_t i = first; i < ast_->nodes.size(); ++i) {
      if (ast_->nodes[i].kind == NodeKind::kName && ast_->nodes[i].text == "?") ast_->nodes[*value].asks_input = true;
    }
    return value;
  }

  template <class Operand, class Operators>
  Parsed arithmetic(Operand operand, const Operators& operators) {
    const std::size_t position = current().position;
    const auto first = operand();
    if (!first) return first;
    Node node;
    node.kind = NodeKind::kArithmetic;
    node.position = static_cast<Index>(position);
    node.children = {*first};
    while (true) {
      const auto which = std::find_if(operators.begin(), operators.end(), [&](const auto& o) { return is_symbol(o.first); });
      if (which == operators.end()) break;
      ++at_;
      const auto next = operand();
      if (!next) return std::nullopt;
      node.children.push_back(*next);
      node.operators.push_back(which->second);
    }
    return node.operators.empty() ? first : Parsed(add(std::move(node)));
  }

  Parsed sum() {
    static constexpr std::array<std::pair<std::string_view, Operator>, 2> kSum = {{{"+", Operator::kAdd}, {"-", Operator::kSubtract}}};
    return arithmetic([this] { return product(); }, kSum);
  }
  Parsed product() {
    static constexpr std::array<std::pair<std::string_view, Operator>, 2> kProduct = {
        {{"*", Operator::kMultiply}, {"/", Operator::kDivide}}};
    return arithmetic([this] { return power(); }, kProduct);
  }
  Parsed power() {
    static constexpr std::array<std::pair<std::string_view, Operator>, 1> kPower = {{{"**", Operator::kPower}}};
    return arithmetic([this] { return unary(); }, kPower);
  }

  Parsed unary() {
    const Level level(*this);
    if (level.too_deep()) return refuse("nested too deep");
    if (++work_ > kMaxWork) return refuse("the expression is too complicated");
    const std::size_t position = current().position;
    if (!take_symbol("-")) return postfix();
    const auto operand = unary();
    if (!operand) return std::nullopt;
    return add(NodeKind::kNegate, position, {*operand});
  }

  Parsed postfix() {
    auto value = primary();
    for (int length = 0; value; ++length) {
      const std::size_t position = current().position;
      const bool filters = is_symbol("[") && !closing_bracket_;
      if (!is_symbol(".") && !filters && !is_symbol("(")) break;
      if (length + depth_ >= kMaxExpressionDepth) return refuse("path too long");
      if (take_symbol(".")) {
        if (current().kind != TokenKind::kName) return refuse("expected a name after '.'" + found());
        Node node;
        node.kind = NodeKind::kPath;
        node.position = static_cast<Index>(position);
        node.text = take_member();
        node.children = {*value};
        value = add(std::move(node));
      } else if (filters) {
        value = filter(*value, position);
      } else {
        Node node;
        node.kind = NodeKind::kInvoke;
        node.position = static_cast<Index>(position);
        node.children = {*value};
        if (!arguments(node)) return std::nullopt;
        value = add(std::move(node));
      }
    }
    return value;
  }

  Parsed filter(Index owner, std::size_t position) {
    ++at_;
    ++filters_;
    const Inside inside(*this);
    const auto condition = expression();
    --filters_;
    if (!condition || !expect_symbol("]")) return std::nullopt;
    return add(NodeKind::kFilter, position, {owner, *condition});
  }

  // Inside of brackets and parentheses a `[` filters again.
  struct Inside {
    explicit Inside(Parser& p) : parser(p), before(std::exchange(p.closing_bracket_, false)) {}
    ~Inside() { parser.closing_bracket_ = before; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    Parser& parser;
    bool before;
  };

  Parsed literal(Value value) {
    Node node;
    node.position = static_cast<Index>(current().position);
    node.literal = std::move(value);
    ++at_;
    return add(std::move(node));
  }

  Parsed primary() {
    switch (current().kind) {
      case TokenKind::kText: return literal(Value(current().text));
      case TokenKind::kNumber: {
        const auto number = Decimal::parse(current().text);
        if (!number) return options_.strict ? Parsed(refuse("number out of range")) : literal(Value());
        return literal(Value(*number));
      }
      case TokenKind::kName: return word();
      case TokenKind::kSymbol:
        if (is_symbol("(")) return parenthesis();
        if (is_symbol("[")) return bracket();
        if (is_symbol("]")) return range();
        if (is_symbol("{")) return context();
        if (is_symbol("@") && ahead(1).kind == TokenKind::kText) return at_literal();
        break;
      case TokenKind::kEnd: break;
    }
    return refuse("expected a value" + found());
  }

  Parsed at_literal() {
    ++at_;
    Value value = parse_at_literal(current().text);
    if (value.is_null() && options_.strict) return refuse("'" + current().text.substr(0, 40) + "' is no date, time or duration");
    return literal(std::move(value));
  }

  // `(1 + 2)`, `(1..2)`, `(> 5)`
  Parsed parenthesis() {
    const Save start = save();
    const std::size_t position = current().position;
    ++at_;
    const Inside inside(*this);
    if (at_comparison()) return open_range(position);
    const auto inner = expression();
    if (!inner) return std::nullopt;
    if (is_symbol("..")) {
      restore(start);
      return range();
    }
    if (!expect_symbol(")")) return std::nullopt;
    return inner;
  }

  Parsed open_range(std::size_t position) {
    const Operator which = *take_comparison();
    const auto operand = sum();
    if (!operand || !expect_symbol(")")) return std::nullopt;
    Node node;
    node.kind = NodeKind::kRange;
    node.unary = true;
    node.position = static_cast<Index>(position);
    if (which == Operator::kEqual || which == Operator::kNotEqual) {
      node.children = {*operand, *operand};
      node.start_included = node.end_included = which == Operator::kEqual;
      node.negated = which == Operator::kNotEqual;
      return add(std::move(node));
    }
    const Index infinity = add(Node());
    const bool upwards = which == Operator::kGreater || which == Operator::kGreaterOrEqual;
    node.children = upwards ? std::vector<Index>{*operand, infinity} : std::vector<Index>{infinity, *operand};
    node.start_included = which == Operator::kGreaterOrEqual;
    node.end_included = which == Operator::kLessOrEqual;
    return add(std::move(node));
  }

  // `[1, 2]` or `[1..2]`
  Parsed bracket() {
    const Save start = save();
    const std::size_t position = current().position;
    ++at_;
    std::vector<Index> children;
    const Inside inside(*this);
    if (!take_symbol("]")) {
      do {
        const auto item = expression();
        if (!item) return std::nullopt;
        if (children.empty() && is_symbol("..")) {
          restore(start);
          return range();
        }
        children.push_back(*item);
      } while (take_symbol(","));
      if (!expect_symbol("]")) return std::nullopt;
    }
    return add(NodeKind::kList, position, std::move(children));
  }

  Parsed range() {
    Node node;
    node.kind = NodeKind::kRange;
    node.position = static_cast<Index>(current().position);
    node.start_included = is_symbol("[");
    ++at_;
    const Inside inside(*this);
    const auto low = expression();
    if (!low || !expect_symbol("..")) return std::nullopt;
    // `..10[` ends with a bracket that else would begin a filter.
    const Save end = save();
    auto high = expression();
    if (!high || !closes_range()) {
      restore(end);
      closing_bracket_ = true;
      high = expression();
      closing_bracket_ = false;
    }
    if (!high) return std::nullopt;
    if (!closes_range()) return refuse("expected the end of the range" + found());
    node.end_included = is_symbol("]");
    ++at_;
    node.children = {*low, *high};
    return add(std::move(node));
  }
  bool closes_range() const { return is_symbol("]") || is_symbol(")") || is_symbol("["); }

  Parsed word() {
    if (!current().in_ticks) {
      if (is_word("true")) return literal(Value(true));
      if (is_word("false")) return literal(Value(false));
      if (is_word("null")) return literal(Value());
      if (is_word("if")) return conditional();
      if (is_word("for")) return loop();
      if (is_word("some")) return quantified(NodeKind::kSome);
      if (is_word("every")) return quantified(NodeKind::kEvery);
      if (is_word("function") && ahead(1).kind == TokenKind::kSymbol && ahead(1).text == "(") return function();
      if (const Builtin* builtin = find_builtin()) return call(std::string(builtin->name), builtin);
      if (is_reserved(current().text)) return refuse("unexpected '" + current().text + "'");
    }
    const std::size_t position = current().position;
    std::string name = take_name();
    if (is_symbol("(")) {
      if (options_.strict && !is_local(name) && !(options_.names && options_.names->contains(name))) {
        --at_;
        return refuse("unknown function '" + name + "'");
      }
      return call(std::move(name), nullptr);
    }
    Node node;
    node.kind = NodeKind::kName;
    node.position = static_cast<Index>(position);
    node.text = std::move(name);
    return add(std::move(node));
  }

  // The function whose name, word by word, stands here before an opening parenthesis; moves past the name.
  const Builtin* find_builtin() {
    std::string spelled;
    for (std::size_t next = at_; tokens_[next].kind == TokenKind::kName && !tokens_[next].in_ticks && next < at_ + 6; ++next) {
      if (!spelled.empty()) spelled += ' ';
      spelled += tokens_[next].text;
      if (tokens_[next + 1].kind != TokenKind::kSymbol || tokens_[next + 1].text != "(") continue;
      if (const Builtin* builtin = feel::find_builtin(spelled)) {
        at_ = next + 1;
        return builtin;
      }
    }
    return nullptr;
  }

  Parsed call(std::string name, const Builtin* builtin) {
    Node node;
    node.kind = NodeKind::kCall;
    node.position = static_cast<Index>(current().position);
    node.builtin = builtin;
    node.text = std::move(name);
    if (!arguments(node)) return std::nullopt;
    const bool shadowed = is_local(node.text) || (options_.names && options_.names->contains(node.text));
    if (options_.strict && builtin && !shadowed && node.names.empty() && !takes(*builtin, node.children.size())) {
      --at_;
      refuse("wrong number of arguments of '" + node.text + "'");
      return std::nullopt;
    }
    if (options_.strict && builtin && !shadowed && !node.names.empty() && !takes(*builtin, node.names)) {
      --at_;
      refuse("'" + node.text + "' has no such parameters");
      return std::nullopt;
    }
    node.pattern = literal_pattern(node);
    return add(std::move(node));
  }

  // A regular expression that stands in the call itself is compiled once, with the expression.
  std::shared_ptr<const Pattern> literal_pattern(const Node& call) const {
    const std::string* pattern = nullptr;
    std::string flags;
    for (std::size_t i = 0; i < call.children.size() && call.builtin; ++i) {
      const std::string_view parameter = call.names.empty() ? parameter_of(*call.builtin, i) : std::string_view(call.names[i]);
      const bool is_pattern = parameter == "pattern" || (parameter == "delimiter" && call.builtin->name == "split");
      if (!is_pattern && parameter != "flags") continue;
      const Node& argument = ast_->nodes[call.children[i]];
      const std::string* const text = argument.kind == NodeKind::kLiteral ? argument.literal.string() : nullptr;
      if (!text) return nullptr;
      if (is_pattern)
        pattern = text;
      else
        flags = *text;
    }
    return pattern ? std::make_shared<const Pattern>(*pattern, flags) : nullptr;
  }

  // Named when the first one is.
  bool arguments(Node& node) {
    ++at_;  // (
    const Inside inside(*this);
    if (take_symbol(")")) return true;
    bool named = false;
    for (bool first = true;; first = false) {
      auto name = argument_name();
      if (first) named = name.has_value();
      if (named != name.has_value()) {
        refuse("either all arguments are named or none");
        return false;
      }
      if (name) node.names.push_back(std::move(*name));
      const auto value = expression();
      if (!value) return false;
      node.children.push_back(*value);
      if (!take_symbol(",")) break;
    }
    return expect_symbol(")");
  }

  std::optional<std::string> argument_name() {
    std::size_t end = at_;
    std::string name;
    while (end < at_ + 12 && end + 1 < tokens_.size() &&
           (tokens_[end].kind == TokenKind::kName || (end > at_ && tokens_[end].kind == TokenKind::kNumber) ||
            (end > at_ && tokens_[end].kind == TokenKind::kSymbol &&
             std::string_view("+-*/'.").find(tokens_[end].text) != std::string_view::npos))) {
      if (!name.empty() && tokens_[end].after_space) name += ' ';
      name += tokens_[end++].text;
    }
    if (name.empty() || tokens_[end].kind != TokenKind::kSymbol || tokens_[end].text != ":") return std::nullopt;
    at_ = end + 1;
    return name;
  }

  Parsed conditional() {
    const std::size_t position = current().position;
    ++at_;
    const auto condition = expression();
    if (!condition || !expect_word("then")) return std::nullopt;
    const auto yes = expression();
    if (!yes || !expect_word("else")) return std::nullopt;
    const auto no = expression();
    if (!no) return std::nullopt;
    return add(NodeKind::kIf, position, {*condition, *yes, *no});
  }

  // `x in list, y in 1..3`
  bool iterators(Node& node) {
    node.position = static_cast<Index>(current().position);
    ++at_;
    do {
      auto name = declared_name({"in"});
      if (!name || !expect_word("in")) return false;
      const std::size_t position = current().position;
      auto domain = expression();
      if (!domain) return false;
      if (take_symbol("..")) {
        const auto end = expression();
        if (!end) return false;
        domain = add(NodeKind::kSpan, position, {*domain, *end});
      }
      node.children.push_back(*domain);
      declare(*name);
      node.names.push_back(std::move(*name));
    } while (take_symbol(","));
    return true;
  }

  Parsed loop() {
    const LocalNames locals(*this);
    Node node;
    node.kind = NodeKind::kFor;
    if (!iterators(node) || !expect_word("return")) return std::nullopt;
    const auto result = expression();
    if (!result) return std::nullopt;
    node.children.push_back(*result);
    return add(std::move(node));
  }

  Parsed quantified(NodeKind kind) {
    const LocalNames locals(*this);
    Node node;
    node.kind = kind;
    if (!iterators(node) || !expect_word("satisfies")) return std::nullopt;
    const auto condition = expression();
    if (!condition) return std::nullopt;
    node.children.push_back(*condition);
    return add(std::move(node));
  }

  Parsed function() {
    const LocalNames locals(*this);
    Node node;
    node.kind = NodeKind::kFunction;
    node.position = static_cast<Index>(current().position);
    at_ += 2;
    if (!take_symbol(")")) {
      do {
        auto name = declared_name({":", ",", ")"});
        if (!name) return std::nullopt;
        TypePointer kind = any_type();
        if (take_symbol(":")) kind = type();
        if (!kind) return std::nullopt;
        declare(*name);
        node.names.push_back(std::move(*name));
        node.types.push_back(std::move(kind));
      } while (take_symbol(","));
      if (!expect_symbol(")")) return std::nullopt;
    }
    const bool external = take_word("external");
    const Inside inside(*this);
    const auto first = static_cast<Index>(ast_->nodes.size());
    auto body = expression();
    if (!body) return std::nullopt;
    std::set<std::string> used;
    for (std::size_t i = first; i < ast_->nodes.size(); ++i) {
      const Node& inner = ast_->nodes[i];
      if (inner.kind == NodeKind::kName || inner.kind == NodeKind::kCall) used.insert(inner.text);
    }
    if (external) body = add(Node());  // other languages are not run: the function gives null
    for (const std::string& parameter : node.names) used.erase(parameter);
    if (!external) node.captured.assign(used.begin(), used.end());
    node.children = {*body};
    return add(std::move(node));
  }

  Parsed context() {
    const LocalNames locals(*this);
    const Inside inside(*this);
    Node node;
    node.kind = NodeKind::kContext;
    node.position = static_cast<Index>(current().position);
    ++at_;
    if (!take_symbol("}")) {
      do {
        if (current().kind != TokenKind::kName && current().kind != TokenKind::kText) return refuse("expected a member name" + found());
        // A word that is quoted is a name, too.
        auto name = declared_name({":", ","});
        if (!name || !expect_symbol(":")) return std::nullopt;
        if (is_word("function")) declare(*name);  // it may call itself
        const auto member = expression();
        if (!member) return std::nullopt;
        Node& value = ast_->nodes[*member];
        if (value.kind == NodeKind::kFunction && std::find(value.captured.begin(), value.captured.end(), *name) != value.captured.end()) {
          value.recursive = true;
          value.text = *name;
        }
        declare(*name);
        seen_members_.push_back(locals_.back());
        node.names.push_back(std::move(*name));
        node.children.push_back(*member);
      } while (take_symbol(","));
      if (!expect_symbol("}")) return std::nullopt;
    }
    return add(std::move(node));
  }

  // ---- types

  TypePointer refuse_type(std::string message) {
    refuse(std::move(message));
    return nullptr;
  }

  TypePointer type() {
    const Level level(*this);
    if (level.too_deep()) return refuse_type("nested too deep");
    if (current().kind != TokenKind::kName) return refuse_type("expected a type" + found());
    const std::string first = current().text;
    if ((first == "list" || first == "range" || first == "context" || first == "function") && ahead(1).kind == TokenKind::kSymbol &&
        ahead(1).text == "<") {
      at_ += 2;
      return compound(first);
    }
    static const NameSet basic = [] {
      NameSet made;
      for (const char* name : {"date and time", "days and time duration", "years and months duration", "day-time-duration",
                               "year-month-duration", "date-time"})
        made.add(name);
      return made;
    }();
    const NameSet::Name* best = nullptr;
    longest(&basic, best);
    std::string name = best ? take_longest(best) : type_name();
    if (auto known = basic_type(name)) return known;
    if (options_.type) {
      if (auto defined = options_.type(name)) return defined;
    }
    auto unknown = std::make_shared<Type>();
    unknown->kind = Type::Kind::kUnknown;
    unknown->name = std::move(name);
    if (options_.strict) return refuse_type("there is no type '" + unknown->name + "'");
    return unknown;
  }

  // Words and dots, as long as the model may mean them.
  std::string type_name() {
    std::string name = tokens_[at_++].text;
    while (true) {
      const bool word = current().kind == TokenKind::kName && !is_reserved(current().text);
      const bool dot = is_symbol(".") && ahead(1).kind == TokenKind::kName;
      if (!word && !dot) return name;
      if (word && options_.type && options_.type(name)) return name;
      if (current().after_space) name += ' ';
      name += tokens_[at_++].text;
    }
  }

  TypePointer compound(const std::string& word) {
    auto made = std::make_shared<Type>();
    if (word == "context") {
      made->kind = Type::Kind::kContext;
      do {
        auto name = declared_name({":"});
        if (!name || !expect_symbol(":")) return nullptr;
        auto member = type();
        if (!member) return nullptr;
        made->members.emplace_back(std::move(*name), std::move(member));
      } while (take_symbol(","));
      return closed(std::move(made));
    }
    if (word == "function") {
      made->kind = Type::Kind::kFunction;
      if (!is_symbol(">")) {
        do {
          auto parameter = type();
          if (!parameter) return nullptr;
          made->parameters.push_back(std::move(parameter));
        } while (take_symbol(","));
      }
      if (!expect_symbol(">") || !expect_symbol("-") || !expect_symbol(">")) return nullptr;
      made->result = type();
      return made->result ? TypePointer(made) : nullptr;
    }
    made->kind = word == "list" ? Type::Kind::kList : Type::Kind::kRange;
    made->element = type();
    return made->element ? closed(std::move(made)) : nullptr;
  }

  TypePointer closed(std::shared_ptr<Type> made) {
    if (!expect_symbol(">")) return nullptr;
    return made;
  }

  static constexpr int kMaxWork = 200'000;

  std::vector<Token> tokens_;
  const ParseOptions& options_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int work_ = 0;
  int filters_ = 0;
  bool closing_bracket_ = false;  // a `[` ends the range that is being read
  std::vector<NameSet::Name> locals_;
  std::vector<NameSet::Name> seen_members_;
  std::optional<SyntaxError> error_;
  std::shared_ptr<Ast> ast_ = std::make_shared<Ast>();
};

std::expected<Parser, SyntaxError> prepare(std::string_view text, const ParseOptions& options) {
  if (text.size() > kMaxExpressionBytes) return std::unexpected(SyntaxError{kMaxExpressionBytes, "expression longer than 64 KB"});
  auto tokens = split_tokens(text);
  if (!tokens) return std::unexpected(std::move(tokens).error());
  return Parser(std::move(*tokens), options);
}

}  // namespace

void NameSet::add(std::string_view name) {
  Name made{canonical_name(name), words_of(name)};
  if (made.words.empty() || !names_.emplace(made.name, true).second || made.words.size() < 2) return;
  by_word_[made.words.front()].push_back(std::move(made));
}

const std::vector<NameSet::Name>* NameSet::beginning_with(std::string_view word) const {
  const auto found = by_word_.find(word);
  return found == by_word_.end() ? nullptr : &found->second;
}

std::expected<std::shared_ptr<const Ast>, SyntaxError> parse_tree(std::string_view text, const ParseOptions& options) {
  auto parser = prepare(text, options);
  return parser ? parser->run() : std::unexpected(std::move(parser).error());
}

std::expected<std::shared_ptr<const Ast>, SyntaxError> parse_tests(std::string_view text, const ParseOptions& options) {
  auto parser = prepare(text, options);
  return parser ? parser->run_tests() : std::unexpected(std::move(parser).error());
}

std::expected<TypePointer, SyntaxError> parse_type(std::string_view text, const ParseOptions& options) {
  auto parser = prepare(text, options);
  return parser ? parser->run_type() : std::unexpected(std::move(parser).error());
}

}  // namespace consilium::bpmn::feel
