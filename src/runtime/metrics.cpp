#include "runtime/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>

namespace consilium::runtime {
namespace {

bool is_name(std::string_view text) {
  if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos;
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 32> digits;
    out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
  }
}

void append_number(std::string& out, std::uint64_t value) { out += std::to_string(value); }

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
}

// Label values are names that we chose, or come from outside: whatever is not printable ASCII becomes `?`.
std::string clean_label(std::string_view value) {
  std::string clean(value.substr(0, kMaxLabelValue));
  for (char& c : clean) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return clean;
}

class Writer {
 public:
  explicit Writer(bool open_metrics) : open_metrics_(open_metrics) {}

  void head(std::string_view name, std::string_view help, std::string_view type) {
    // OpenMetrics names the family without the ending of its samples.
    const std::string_view family = open_metrics_ && type == "counter" ? name.substr(0, name.size() - 6) : name;
    text_ += "# HELP ";
    text_ += family;
    text_ += ' ';
    for (const char c : help) {
      if (c == '\\' || (open_metrics_ && c == '"')) text_ += '\\';
      text_ += c == '\n' ? ' ' : c;
    }
    text_ += "\n# TYPE ";
    text_ += family;
    text_ += ' ';
    text_ += type;
    text_ += '\n';
  }

  template <class Number>
  void sample(std::string_view name, std::string_view ending, const LabelNames& labels, const LabelValues& values, Number number,
              std::string_view bucket = {}) {
    text_ += name;
    text_ += ending;
    const bool has_labels = !labels.empty() || !bucket.empty();
    if (has_labels) text_ += '{';
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (i > 0) text_ += ',';
      text_ += labels[i];
      text_ += "=\"";
      append_escaped(text_, values[i]);
      text_ += '"';
    }
    if (!bucket.empty()) {
      if (!labels.empty()) text_ += ',';
      text_ += "le=\"";
      text_ += bucket;
      text_ += '"';
    }
    if (has_labels) text_ += '}';
    text_ += ' ';
    append_number(text_, number);
    text_ += '\n';
  }

  std::string finish() {
    if (open_metrics_) text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  bool open_metrics_;
  std::string text_;
};

std::string bound_text(double bound) {
  std::string text;
  append_number(text, bound);
  // `1` and `1.0` would be two series to some readers; OpenMetrics asks for the point.
  if (text.find_first_of(".eIN") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds), buckets_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1)) {}

void Histogram::observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  buckets_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const { return cumulative().back(); }

std::vector<std::uint64_t> Histogram::cumulative() const {
  std::vector<std::uint64_t> counts;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) counts.push_back(total += buckets_[i].load(std::memory_order_relaxed));
  return counts;
}

template <class Value>
Family<Value>::Family(std::string name, std::string help, LabelNames labels, std::size_t cap, std::vector<double> bounds)
    : name_(std::move(name)), help_(std::move(help)), labels_(std::move(labels)), cap_(cap), bounds_(std::move(bounds)) {}

template <class Value>
std::unique_ptr<Value> Family<Value>::make() const {
  if constexpr (std::is_same_v<Value, Histogram>) {
    return std::make_unique<Value>(bounds_);
  } else {
    return std::make_unique<Value>();
  }
}

template <class Value>
Value& Family<Value>::with(std::initializer_list<std::string_view> values) {
  if (values.size() != labels_.size()) throw std::logic_error("wrong number of label values for " + name_);
  LabelValues key;
  for (const std::string_view value : values) key.push_back(clean_label(value));
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = values_.find(key); found != values_.end()) return *found->second;
  }
  const std::unique_lock lock(mutex_);
  if (!values_.contains(key) && values_.size() + 1 >= cap_ && !key.empty()) key.assign(labels_.size(), std::string(kOtherLabel));
  auto& slot = values_[key];
  if (!slot) slot = make();
  return *slot;
}

template <class Value>
std::size_t Family<Value>::series() const {
  const std::shared_lock lock(mutex_);
  return values_.size();
}

template class Family<Counter>;
template class Family<Gauge>;
template class Family<Histogram>;

std::vector<double> duration_buckets() { return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}; }

std::vector<double> size_buckets() { return {256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216}; }

void MetricsRegistry::check_free(std::string_view name) const {
  const std::string key(name);
  if (counters_.contains(key) || gauges_.contains(key) || histograms_.contains(key) || functions_.contains(key))
    throw std::logic_error("the metric " + key + " exists with another type");
}

template <class Value>
Family<Value>& MetricsRegistry::family(std::map<std::string, std::unique_ptr<Family<Value>>>& families, std::string_view name,
                                       std::string_view help, LabelNames labels, std::size_t cap, std::vector<double> bounds) {
  const std::string key(name);
  if (!is_name(name)) throw std::logic_error("malformed name of a metric: " + key);
  for (const auto& label : labels) {
    if (!is_name(label) || label == "le") throw std::logic_error("malformed label of " + key + ": " + label);
  }
  if (std::is_same_v<Value, Counter> != name.ends_with("_total")) throw std::logic_error("counters, and only they, end in _total: " + key);
  if (!std::is_sorted(bounds.begin(), bounds.end(), std::less_equal())) throw std::logic_error("buckets of " + key + " do not rise");
  const std::lock_guard lock(mutex_);
  if (const auto found = families.find(key); found != families.end()) {
    if (found->second->labels_ != labels || found->second->bounds_ != bounds)
      throw std::logic_error("the metric " + key + " exists with other labels or buckets");
    return *found->second;
  }
  check_free(name);
  auto& slot = families[key];
  slot.reset(new Family<Value>(key, std::string(help), std::move(labels), cap, std::move(bounds)));
  if (slot->labels_.empty()) slot->get();  // shown as 0 from the start
  return *slot;
}

Family<Counter>& MetricsRegistry::counter(std::string_view name, std::string_view help, LabelNames labels, std::size_t cap) {
  return family(counters_, name, help, std::move(labels), cap, {});
}

Family<Gauge>& MetricsRegistry::gauge(std::string_view name, std::string_view help, LabelNames labels, std::size_t cap) {
  return family(gauges_, name, help, std::move(labels), cap, {});
}

Family<Histogram>& MetricsRegistry::histogram(std::string_view name, std::string_view help, std::vector<double> bounds, LabelNames labels,
                                              std::size_t cap) {
  return family(histograms_, name, help, std::move(labels), cap, std::move(bounds));
}

void MetricsRegistry::function(FunctionKind kind, std::string_view name, std::string_view help, LabelNames labels, Read read) {
  if (!is_name(name) || (kind == FunctionKind::kCounter) != name.ends_with("_total"))
    throw std::logic_error("malformed name of a metric: " + std::string(name));
  const std::lock_guard lock(mutex_);
  const auto found = functions_.find(std::string(name));
  if (found != functions_.end()) {
    if (found->second.kind != kind || found->second.labels != labels)
      throw std::logic_error("the metric " + std::string(name) + " exists with other labels");
    found->second.reads.push_back(std::move(read));
    return;
  }
  check_free(name);
  Function& made = functions_[std::string(name)];
  made.kind = kind;
  made.help = help;
  made.labels = std::move(labels);
  made.reads.push_back(std::move(read));
}

void MetricsRegistry::function(FunctionKind kind, std::string_view name, std::string_view help, std::function<double()> read) {
  function(kind, name, help, LabelNames{}, Read([read = std::move(read)] { return std::vector<Sample>{{.labels = {}, .value = read()}}; }));
}

std::string MetricsRegistry::text(Syntax syntax) const {
  Writer writer(syntax == Syntax::kOpenMetrics);
  std::map<std::string, Function> functions;
  {
    const std::lock_guard lock(mutex_);
    functions = functions_;
    for (const auto& [name, family] : counters_) {
      const std::shared_lock values(family->mutex_);
      writer.head(name, family->help_, "counter");
      for (const auto& [labels, value] : family->values_) writer.sample(name, "", family->labels_, labels, value->value());
    }
    for (const auto& [name, family] : gauges_) {
      const std::shared_lock values(family->mutex_);
      writer.head(name, family->help_, "gauge");
      for (const auto& [labels, value] : family->values_) writer.sample(name, "", family->labels_, labels, value->value());
    }
    for (const auto& [name, family] : histograms_) {
      const std::shared_lock values(family->mutex_);
      writer.head(name, family->help_, "histogram");
      for (const auto& [labels, value] : family->values_) {
        const auto counts = value->cumulative();
        for (std::size_t i = 0; i < family->bounds_.size(); ++i)
          writer.sample(name, "_bucket", family->labels_, labels, counts[i], bound_text(family->bounds_[i]));
        writer.sample(name, "_bucket", family->labels_, labels, counts.back(), "+Inf");
        writer.sample(name, "_sum", family->labels_, labels, value->sum());
        writer.sample(name, "_count", family->labels_, labels, counts.back());
      }
    }
  }
  // Without the lock: they may take locks of their own, and may use metrics.
  for (const auto& [name, function] : functions) {
    writer.head(name, function.help, function.kind == FunctionKind::kCounter ? "counter" : "gauge");
    std::map<LabelValues, double> samples;  // ordered, one a combination
    for (const auto& read : function.reads) {
      for (auto& sample : read()) {
        LabelValues labels;
        for (const auto& label : sample.labels) labels.push_back(clean_label(label));
        if (labels.size() == function.labels.size() && samples.size() < kDefaultSeries) samples[std::move(labels)] += sample.value;
      }
    }
    for (const auto& [labels, value] : samples) writer.sample(name, "", function.labels, labels, value);
  }
  return writer.finish();
}

std::string MetricsRegistry::reference() const {
  struct Row {
    std::string type;
    LabelNames labels;
    std::string help;
  };
  std::map<std::string, Row> rows;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, family] : counters_) rows[name] = {"counter", family->labels_, family->help_};
    for (const auto& [name, family] : gauges_) rows[name] = {"gauge", family->labels_, family->help_};
    for (const auto& [name, family] : histograms_) rows[name] = {"histogram", family->labels_, family->help_};
    for (const auto& [name, function] : functions_)
      rows[name] = {function.kind == FunctionKind::kCounter ? "counter" : "gauge", function.labels, function.help};
  }
  std::string text = "| metric | type | labels | what |\n|---|---|---|---|\n";
  for (const auto& [name, row] : rows) {
    std::string labels;
    for (const std::string& label : row.labels) labels += (labels.empty() ? "`" : ", `") + label + "`";
    text += "| `" + name + "` | " + row.type + " | " + labels + " | " + row.help + " |\n";
  }
  return text;
}

std::string MetricsRegistry::prometheus_text() const { return text(Syntax::kPrometheus); }

std::string MetricsRegistry::open_metrics_text() const { return text(Syntax::kOpenMetrics); }

}  // namespace consilium::runtime
