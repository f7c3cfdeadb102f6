#include "net/server_loop.h"

#include "runtime/asio_context.h"

namespace consilium::net {

Peer::Peer(std::shared_ptr<PeerLoop> loop) : loop_(std::move(loop)) { loop_->add(*this); }

Peer::~Peer() { loop_->remove(*this); }

void Peer::set_deadline(Duration from_now) { deadline_ = loop_->scheduler().steady_now() + from_now; }

PeerLoop::PeerLoop(runtime::Scheduler& loop, Duration tick)
    : scheduler_(loop), io_(runtime::io_context_of(loop)), tick_(tick), scratch_(std::make_unique<std::array<char, kScratchSize>>()) {}

void PeerLoop::add(Peer& peer) {
  peer.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &peer;
  first_ = &peer;
  size_.fetch_add(1, std::memory_order_relaxed);
  arm();
}

void PeerLoop::remove(Peer& peer) {
  if (peer.previous_ != nullptr) peer.previous_->next_ = peer.next_;
  if (peer.next_ != nullptr) peer.next_->previous_ = peer.previous_;
  if (first_ == &peer) first_ = peer.next_;
  size_.fetch_sub(1, std::memory_order_relaxed);
}

void PeerLoop::arm() {
  if (armed_) return;
  armed_ = true;
  scheduler_.call_after(tick_, [self = weak_from_this()] {
    if (const auto loop = self.lock()) loop->look_at_deadlines();
  });
}

void PeerLoop::look_at_deadlines() {
  armed_ = false;
  for (const auto& peer : peers_due_by(scheduler_.steady_now())) {
    peer->clear_deadline();
    peer->on_deadline();
  }
  if (first_ != nullptr) arm();
}

std::vector<std::shared_ptr<Peer>> PeerLoop::peers_due_by(Timestamp time) const {
  std::vector<std::shared_ptr<Peer>> due;
  for (Peer* peer = first_; peer != nullptr; peer = peer->next_) {
    if (peer->deadline_ > time) continue;
    if (auto alive = peer->weak_from_this().lock()) due.push_back(std::move(alive));
  }
  return due;
}

void PeerLoop::drain_all() {
  draining_ = true;
  for (const auto& peer : peers_due_by(Timestamp::max())) peer->drain();
}

void PeerLoop::cut_all() {
  for (const auto& peer : peers_due_by(Timestamp::max())) peer->cut();
}

}  // namespace consilium::net
