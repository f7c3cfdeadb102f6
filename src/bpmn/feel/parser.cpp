#include "bpmn/feel/parser.h"

#include <algorithm>
#include <array>
#include <optional>

#include "bpmn/feel/builtins.h"
#include "bpmn/feel/lexer.h"

namespace consilium::bpmn::feel {
namespace {

using Index = std::uint32_t;

constexpr std::array<std::string_view, 12> kReserved = {"and", "or",   "if",    "then", "else", "between",
                                                        "in",  "true", "false", "null", "for",  "return"};

bool is_reserved(std::string_view name) { return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end(); }

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  std::expected<std::shared_ptr<const Ast>, SyntaxError> run() {
    const auto root = expression();
    if (root && current().kind != TokenKind::kEnd) refuse("unexpected '" + current().text + "'");
    if (error_) return std::unexpected(std::move(*error_));
    ast_->root = *root;
    return ast_;
  }

 private:
  using Parsed = std::optional<Index>;  // nullopt: error_ is set

  // Counts how deep the descent is; every way down passes through `expression` or `unary`.
  struct Level {
    explicit Level(Parser& p) : parser(p) { ++parser.depth_; }
    ~Level() { --parser.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    bool too_deep() const { return parser.depth_ > kMaxExpressionDepth; }
    Parser& parser;
  };

  const Token& current() const { return tokens_[at_]; }
  bool is_symbol(std::string_view symbol) const { return current().kind == TokenKind::kSymbol && current().text == symbol; }
  bool is_word(std::string_view word) const { return current().kind == TokenKind::kName && current().text == word; }
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

  Parsed expression() {
    const Level level(*this);
    if (level.too_deep()) return refuse("nested too deep");
    if (is_word("if")) return conditional();
    return disjunction();
  }

  Parsed conditional() {
    const std::size_t position = current().position;
    ++at_;
    const auto condition = expression();
    if (!condition) return std::nullopt;
    if (!take_word("then")) return refuse("expected 'then'" + found());
    const auto yes = expression();
    if (!yes) return std::nullopt;
    if (!take_word("else")) return refuse("expected 'else'" + found());
    const auto no = expression();
    if (!no) return std::nullopt;
    return add(NodeKind::kIf, position, {*condition, *yes, *no});
  }

  // Chains of one level (`a or b or c`, `1 + 2 - 3`) are loops, so that a long one is not a deep one to the parser; the
  // tree that comes out is deep, therefore its length is bounded as well.
  template <class Operand, class Operator>
  Parsed chain(Operand operand, Operator find_operator) {
    auto left = operand();
    for (int length = 0; left; ++length) {
      const std::optional<NodeKind> kind = find_operator();
      if (!kind) break;
      if (length + depth_ >= kMaxExpressionDepth) return refuse("chain of operators too long");
      const std::size_t position = current().position;
      ++at_;
      const auto right = operand();
      if (!right) return std::nullopt;
      left = add(*kind, position, {*left, *right});
    }
    return left;
  }

  Parsed disjunction() {
    return chain([this] { return conjunction(); }, [this] { return is_word("or") ? std::optional(NodeKind::kOr) : std::nullopt; });
  }

  Parsed conjunction() {
    return chain([this] { return comparison(); }, [this] { return is_word("and") ? std::optional(NodeKind::kAnd) : std::nullopt; });
  }

  Parsed comparison() {
    const auto left = sum();
    if (!left) return std::nullopt;
    const std::size_t position = current().position;
    static constexpr std::pair<std::string_view, NodeKind> kOperators[] = {{"=", NodeKind::kEqual},   {"!=", NodeKind::kNotEqual},
                                                                           {"<", NodeKind::kLess},    {"<=", NodeKind::kLessOrEqual},
                                                                           {">", NodeKind::kGreater}, {">=", NodeKind::kGreaterOrEqual}};
    for (const auto& [symbol, kind] : kOperators) {
      if (!take_symbol(symbol)) continue;
      const auto right = sum();
      if (!right) return std::nullopt;
      return add(kind, position, {*left, *right});
    }
    if (take_word("between")) {
      const auto low = sum();
      if (!low) return std::nullopt;
      if (!take_word("and")) return refuse("expected 'and'" + found());
      const auto high = sum();
      if (!high) return std::nullopt;
      return add(NodeKind::kBetween, position, {*left, *low, *high});
    }
    if (take_word("in")) {
      const auto right = sum();
      if (!right) return std::nullopt;
      return add(NodeKind::kIn, position, {*left, *right});
    }
    return left;
  }

  Parsed sum() {
    return chain([this] { return product(); },
                 [this] {
                   if (is_symbol("+")) return std::optional(NodeKind::kAdd);
                   return is_symbol("-") ? std::optional(NodeKind::kSubtract) : std::nullopt;
                 });
  }

  Parsed product() {
    return chain([this] { return power(); },
                 [this] {
                   if (is_symbol("*")) return std::optional(NodeKind::kMultiply);
                   return is_symbol("/") ? std::optional(NodeKind::kDivide) : std::nullopt;
                 });
  }

  Parsed power() {
    return chain([this] { return unary(); }, [this] { return is_symbol("**") ? std::optional(NodeKind::kPower) : std::nullopt; });
  }

  Parsed unary() {
    const Level level(*this);
    if (level.too_deep()) return refuse("nested too deep");
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
      if (!is_symbol(".") && !is_symbol("[")) break;
      if (length + depth_ >= kMaxExpressionDepth) return refuse("path too long");
      if (take_symbol(".")) {
        if (current().kind != TokenKind::kName) return refuse("expected a name after '.'" + found());
        Node node;
        node.kind = NodeKind::kPath;
        node.position = static_cast<Index>(position);
        node.text = current().text;
        node.children = {*value};
        ++at_;
        value = add(std::move(node));
      } else {
        ++at_;
        const auto filter = expression();
        if (!filter || !expect_symbol("]")) return std::nullopt;
        value = add(NodeKind::kFilter, position, {*value, *filter});
      }
    }
    return value;
  }

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
        if (!number) return refuse("number out of range");
        return literal(Value(*number));
      }
      case TokenKind::kName: return word();
      case TokenKind::kSymbol:
        if (take_symbol("(")) {
          const auto inner = expression();
          if (!inner || !expect_symbol(")")) return std::nullopt;
          return inner;
        }
        if (is_symbol("[")) return list();
        if (is_symbol("{")) return context();
        break;
      case TokenKind::kEnd: break;
    }
    return refuse("expected a value" + found());
  }

  Parsed word() {
    if (is_word("true")) return literal(Value(true));
    if (is_word("false")) return literal(Value(false));
    if (is_word("null")) return literal(Value());
    if (const Builtin* builtin = find_builtin()) return call(*builtin);
    if (is_reserved(current().text)) return refuse("unexpected '" + current().text + "'");
    const Token& name = current();
    if (tokens_[at_ + 1].kind == TokenKind::kSymbol && tokens_[at_ + 1].text == "(") return refuse("unknown function '" + name.text + "'");
    Node node;
    node.kind = NodeKind::kName;
    node.position = static_cast<Index>(name.position);
    node.text = name.text;
    ++at_;
    return add(std::move(node));
  }

  // The function whose name, word by word, stands here before an opening parenthesis; moves past the name.
  const Builtin* find_builtin() {
    std::string spelled;
    for (std::size_t next = at_; tokens_[next].kind == TokenKind::kName && next < at_ + 5; ++next) {
      if (!spelled.empty()) spelled += ' ';
      spelled += tokens_[next].text;
      if (tokens_[next + 1].kind != TokenKind::kSymbol || tokens_[next + 1].text != "(") continue;
      for (const Builtin& builtin : builtins()) {
        if (builtin.name != spelled) continue;
        at_ = next + 1;
        return &builtin;
      }
    }
    return nullptr;
  }

  Parsed call(const Builtin& builtin) {
    Node node;
    node.kind = NodeKind::kCall;
    node.position = static_cast<Index>(current().position);
    node.builtin = &builtin;
    ++at_;  // (
    if (!items(")", node.children)) return std::nullopt;
    const int count = static_cast<int>(node.children.size());
    if (count < builtin.least || count > builtin.most) return refuse("wrong number of arguments of '" + std::string(builtin.name) + "'");
    return add(std::move(node));
  }

  bool items(std::string_view closing, std::vector<Index>& out) {
    if (take_symbol(closing)) return true;
    do {
      const auto item = expression();
      if (!item) return false;
      out.push_back(*item);
    } while (take_symbol(","));
    return expect_symbol(closing);
  }

  Parsed list() {
    const std::size_t position = current().position;
    ++at_;
    std::vector<Index> children;
    if (!items("]", children)) return std::nullopt;
    return add(NodeKind::kList, position, std::move(children));
  }

  Parsed context() {
    Node node;
    node.kind = NodeKind::kContext;
    node.position = static_cast<Index>(current().position);
    ++at_;
    if (!take_symbol("}")) {
      do {
        if (current().kind != TokenKind::kName && current().kind != TokenKind::kText) return refuse("expected a member name" + found());
        node.names.push_back(current().text);
        ++at_;
        if (!expect_symbol(":")) return std::nullopt;
        const auto member = expression();
        if (!member) return std::nullopt;
        node.children.push_back(*member);
      } while (take_symbol(","));
      if (!expect_symbol("}")) return std::nullopt;
    }
    return add(std::move(node));
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::optional<SyntaxError> error_;
  std::shared_ptr<Ast> ast_ = std::make_shared<Ast>();
};

}  // namespace

std::expected<std::shared_ptr<const Ast>, SyntaxError> parse_tree(std::string_view text) {
  if (text.size() > kMaxExpressionBytes) return std::unexpected(SyntaxError{kMaxExpressionBytes, "expression longer than 16 KB"});
  auto tokens = split_tokens(text);
  if (!tokens) return std::unexpected(std::move(tokens).error());
  return Parser(std::move(*tokens)).run();
}

}  // namespace consilium::bpmn::feel
