// Counters, gauges and histograms, and their exposition for Prometheus. A family declares its labels and how many
// combinations of values it may have; what comes beyond is counted together under the value `other`, so that ids or
// hostile input cannot grow it. Safe to use from any thread; a value costs one relaxed atomic addition. Families and
// values live as long as the registry: look them up once where it is hot.
//
// Names: `consilium_…` or `process_…`, unit in the name (`_seconds`, `_bytes`), counters end in `_total`.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace consilium::runtime {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double difference) { value_.fetch_add(difference, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

class Histogram {
 public:
  // `bounds`: upper ends of the buckets, rising; the one without end is added.
  explicit Histogram(std::span<const double> bounds);
  void observe(double value);
  std::uint64_t count() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }
  // Observations at or below `bounds()[i]`; the last entry is all of them.
  std::vector<std::uint64_t> cumulative() const;
  std::span<const double> bounds() const { return bounds_; }

 private:
  std::span<const double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
  std::atomic<double> sum_ = 0;
};

using LabelNames = std::vector<std::string>;
using LabelValues = std::vector<std::string>;

inline constexpr std::size_t kDefaultSeries = 200;
inline constexpr std::size_t kMaxLabelValue = 128;  // bytes; longer values are cut
inline constexpr std::string_view kOtherLabel = "other";

// All values of one name. `Value` is Counter, Gauge or Histogram.
template <class Value>
class Family {
 public:
  // As many values as the family has labels, else std::logic_error.
  Value& with(std::initializer_list<std::string_view> values);
  // Of a family without labels.
  Value& get() { return with({}); }
  // Combinations of label values, `other` included.
  std::size_t series() const;

 private:
  friend class MetricsRegistry;
  Family(std::string name, std::string help, LabelNames labels, std::size_t cap, std::vector<double> bounds);
  std::unique_ptr<Value> make() const;

  std::string name_;
  std::string help_;
  LabelNames labels_;
  std::size_t cap_;
  std::vector<double> bounds_;
  mutable std::shared_mutex mutex_;
  std::map<LabelValues, std::unique_ptr<Value>> values_;
};

// Seconds, from half a millisecond to half a minute.
std::vector<double> duration_buckets();
// Bytes, from 256 to 16 MB.
std::vector<double> size_buckets();

class MetricsRegistry {
 public:
  enum class FunctionKind { kCounter, kGauge };
  struct Sample {
    LabelValues labels;
    double value = 0;
  };

  MetricsRegistry() = default;
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;

  // The same name again gives the same family; with another type, labels or buckets, or a malformed name:
  // std::logic_error.
  Family<Counter>& counter(std::string_view name, std::string_view help, LabelNames labels = {}, std::size_t cap = kDefaultSeries);
  Family<Gauge>& gauge(std::string_view name, std::string_view help, LabelNames labels = {}, std::size_t cap = kDefaultSeries);
  Family<Histogram>& histogram(std::string_view name, std::string_view help, std::vector<double> bounds, LabelNames labels = {},
                               std::size_t cap = kDefaultSeries);

  // Values that something else keeps: read at each scrape, on the thread of the scrape. The same name again adds to it.
  using Read = std::function<std::vector<Sample>()>;
  void function(FunctionKind kind, std::string_view name, std::string_view help, LabelNames labels, Read read);
  void function(FunctionKind kind, std::string_view name, std::string_view help, std::function<double()> read);

  // All families, a row of a Markdown table each, by name.
  std::string reference() const;
  // text/plain; version=0.0.4
  std::string prometheus_text() const;
  // application/openmetrics-text; version=1.0.0
  std::string open_metrics_text() const;

 private:
  enum class Syntax { kPrometheus, kOpenMetrics };
  struct Function {
    FunctionKind kind{};
    std::string help;
    LabelNames labels;
    std::vector<Read> reads;
  };

  template <class Value>
  Family<Value>& family(std::map<std::string, std::unique_ptr<Family<Value>>>& families, std::string_view name, std::string_view help,
                        LabelNames labels, std::size_t cap, std::vector<double> bounds);
  void check_free(std::string_view name) const;
  std::string text(Syntax syntax) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family<Counter>>> counters_;
  std::map<std::string, std::unique_ptr<Family<Gauge>>> gauges_;
  std::map<std::string, std::unique_ptr<Family<Histogram>>> histograms_;
  std::map<std::string, Function> functions_;
};

inline constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::string_view kOpenMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

// Memory, CPU time, files, start of this process, and `consilium_build_info`.
void add_process_metrics(MetricsRegistry& registry, std::string version, std::string revision);

}  // namespace consilium::runtime
