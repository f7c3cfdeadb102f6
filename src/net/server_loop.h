// What the connections of one loop share: the list of them, one timer for all of their deadlines, one scratch buffer.
// Everything here happens on that loop. Internal to `net`.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.h"
#include "runtime/scheduler.h"

namespace consilium::net {

inline constexpr std::size_t kScratchSize = 64 * 1024;

class PeerLoop;

// A connection as the loop sees it. Made and destroyed on the loop, or after the loop has ended.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
  explicit Peer(std::shared_ptr<PeerLoop> loop);
  virtual ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // The time that was set by `set_deadline` has come (up to a tick late).
  virtual void on_deadline() = 0;
  // The server is being stopped: end when it suits.
  virtual void drain() = 0;
  // End now.
  virtual void cut() = 0;

  PeerLoop& loop() const { return *loop_; }

 protected:
  void set_deadline(Duration from_now);
  void clear_deadline() { deadline_ = Timestamp::max(); }

 private:
  friend class PeerLoop;

  std::shared_ptr<PeerLoop> loop_;
  Timestamp deadline_ = Timestamp::max();
  Peer* previous_ = nullptr;
  Peer* next_ = nullptr;
};

class PeerLoop : public std::enable_shared_from_this<PeerLoop> {
 public:
  // Deadlines are looked at once a `tick`; a loop without connections has no timer.
  PeerLoop(runtime::Scheduler& loop, Duration tick);

  runtime::Scheduler& scheduler() const { return scheduler_; }
  boost::asio::io_context& io() const { return io_; }
  std::array<char, kScratchSize>& scratch() { return *scratch_; }
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }  // any thread
  bool draining() const { return draining_; }

  void drain_all();
  void cut_all();

 private:
  friend class Peer;

  void add(Peer& peer);
  void remove(Peer& peer);
  void arm();
  void look_at_deadlines();
  // Those that are there now: what is called on them may end connections and begin others.
  std::vector<std::shared_ptr<Peer>> peers_due_by(Timestamp time) const;

  runtime::Scheduler& scheduler_;
  boost::asio::io_context& io_;
  Duration tick_;
  std::unique_ptr<std::array<char, kScratchSize>> scratch_;
  Peer* first_ = nullptr;
  std::atomic<std::size_t> size_{0};
  bool armed_ = false;
  bool draining_ = false;
};

}  // namespace consilium::net
