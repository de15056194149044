#include "backend/simt/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <vector>

#include "backend/simt/checker.h"
#include "backend/simt/fiber.h"
#include "backend/simt/symbols.h"

namespace vitrine::simt {
namespace {

enum class State : uint8_t { kFresh, kReady, kAtBarrier, kInWarpCall, kReturned };

struct Thread {
  uint3 index{};
  State state = State::kFresh;
  WarpCall call{};
  Fiber* fiber = nullptr;  // where it waits, and for what:
  Site site{};
  unsigned mask = 0, source = 0;
  Payload payload{};  // given to the warp, then received from it
};

// Lanes that wait for each other under the mask that they all name.
struct Group {
  unsigned mask = 0, arrived = 0;
};
struct Warp {
  unsigned returned = 0, waiting = 0;  // lanes; groups in which somebody waits, one bit each
  std::array<Group, kWarp> groups;
};

class Machine {
 public:
  std::string execute(const Launch& launch);
  void set_order(ThreadOrder order, uint64_t seed) { order_ = order, random_.seed(seed); }
  void wait_at_barrier(Site site);
  Payload join_warp(WarpCall call, unsigned mask, Payload given, unsigned source, Site site);
  void fault(std::string text) { faults_.push_back(std::move(text)); }
  [[noreturn]] void abandon();

 private:
  static void fiber_main();
  void prepare(const Launch& launch);
  bool next_block();
  void pass_on(bool returned);
  void finish_if_complete(unsigned warp, int group);
  void return_from_kernel();
  std::string who_waits() const;

  Fiber* free_fiber();
  unsigned pop();
  void push_last(unsigned id) { queue_[(head_ + count_++) % kMostThreads] = id; }
  void push_first(unsigned id) { queue_[head_ = (head_ - 1) % kMostThreads] = id, ++count_; }
  template <class F>
  void in_order(unsigned n, F f) {
    if (order_ == ThreadOrder::kReverse)
      for (unsigned i = n; i-- > 0;) f(i);
    else
      for (unsigned i = 0; i < n; ++i) f(i);
  }

  std::mutex mutex_;  // one launch at a time
  ThreadOrder order_ = ThreadOrder::kForward;
  std::mt19937_64 random_{1};
  std::vector<std::string> faults_;

  const Launch* launch_ = nullptr;
  std::vector<uint32_t> blocks_;  // of the launch, in the order in which they come
  size_t block_ = 0;
  std::vector<unsigned char> shared_;

  // Of the block:
  std::array<Thread, kMostThreads> thread_;
  std::array<Warp, kMostThreads / kWarp> warp_;
  unsigned threads_ = 0, returned_ = 0, at_barrier_ = 0;
  Site barrier_{};

  std::array<unsigned, kMostThreads> queue_{};  // who can run: a ring
  unsigned head_ = 0, count_ = 0;

  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;  // wait in pass_on() for a thread, or have not begun
  Fiber* fiber_ = nullptr;    // the one that runs
  Context host_;
};

Machine machine;

bool same(Site a, Site b) { return a.line == b.line && a.file == b.file; }  // a file is written down once in a unit
std::string text(uint3 d) { return fmt::format("({},{},{})", d.x, d.y, d.z); }
std::string text(Site s) { return fmt::format("{}:{}", file_name(s.file), s.line); }
const char* name(WarpCall call) {
  return call == WarpCall::kSync ? "__syncwarp" : call == WarpCall::kShuffle ? "a shuffle" : "a vote";
}

Fiber* Machine::free_fiber() {
  if (idle_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>(int(fibers_.size())));
    fibers_.back()->start(fiber_main);
    return fibers_.back().get();
  }
  Fiber* const fiber = idle_.back();
  idle_.pop_back();
  return fiber;
}

unsigned Machine::pop() {
  if (order_ == ThreadOrder::kRandom) std::swap(queue_[head_], queue_[(head_ + random_() % count_) % kMostThreads]);
  const unsigned id = queue_[head_];
  head_ = (head_ + 1) % kMostThreads, --count_;
  return id;
}

// A fiber executes one thread to its end, then one that has not begun yet, and so on: a kernel in which nobody waits needs one fiber.
void Machine::fiber_main() {
  begin_fiber();
  for (;;) {
    if constexpr (kChecks) checker::resume(*machine.fiber_);
    machine.launch_->run(machine.launch_->call);
    if constexpr (kChecks) checker::pause();
    machine.return_from_kernel();
    machine.pass_on(true);
  }
}

// Runs someone else. Returns when the thread that waits can go on; or, if it has returned from the kernel, when its fiber has got another.
void Machine::pass_on(bool returned) {
  Fiber* const here = fiber_;
  if (count_ == 0 && returned_ < threads_) {
    fault(who_waits());
    abandon();
  }
  if (count_ == 0 && !next_block()) {
    idle_.push_back(here);
    return switch_context(here->context, host_, nullptr);
  }
  const unsigned id = pop();
  Thread& next = thread_[id];
  if (next.state == State::kFresh)
    next.fiber = returned ? here : free_fiber();
  else if (returned)
    idle_.push_back(here);
  built_in.thread = next.index, built_in.number = id, fiber_ = next.fiber;
  if (fiber_ != here) switch_context(here->context, fiber_->context, fiber_);
}

bool Machine::next_block() {
  if (block_ == blocks_.size()) return false;
  const uint32_t b = blocks_[block_++];
  const dim3& grid = launch_->grid;
  built_in.block = {b % grid.x, b / grid.x % grid.y, b / (grid.x * grid.y)};
  returned_ = at_barrier_ = 0;
  for (unsigned w = 0; w * kWarp < threads_; ++w) {
    const unsigned lanes = threads_ - w * kWarp;
    warp_[w].returned = lanes < kWarp ? ~0u << lanes : 0;  // those that the block does not have
  }
  in_order(threads_, [&](unsigned id) { thread_[id].state = State::kFresh, push_last(id); });
  if constexpr (kChecks) checker::begin_block();
  return true;
}

void Machine::prepare(const Launch& launch) {
  const dim3 &grid = launch.grid, &block = launch.block;
  launch_ = &launch;
  faults_.clear();
  threads_ = block.x * block.y * block.z;
  built_in.threads = block, built_in.blocks = grid;
  for (unsigned i = 0; i < threads_; ++i) thread_[i].index = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
  blocks_.resize(size_t{grid.x} * grid.y * grid.z), block_ = 0;
  std::iota(blocks_.begin(), blocks_.end(), 0u);
  if (order_ == ThreadOrder::kReverse) std::reverse(blocks_.begin(), blocks_.end());
  if (order_ == ThreadOrder::kRandom) std::shuffle(blocks_.begin(), blocks_.end(), random_);
  if constexpr (kChecks) {
    built_in.shared = checker::shared_memory(launch.shared_bytes);
    checker::begin_launch();
  } else {
    shared_.resize(kMostShared);
    built_in.shared = shared_.data();
  }
}

std::string Machine::execute(const Launch& launch) {
  const std::lock_guard lock(mutex_);
  prepare(launch);
  next_block();
  const unsigned id = pop();
  fiber_ = thread_[id].fiber = free_fiber();
  built_in.thread = thread_[id].index, built_in.number = id;
  switch_context(host_, fiber_->context, fiber_);
  if (faults_.empty()) return {};
  std::string all = fmt::format("kernel {}: ", kernel_name(launch.kernel));
  constexpr size_t kShown = 8;
  for (size_t i = 0; i < std::min(kShown, faults_.size()); ++i) all += (i ? "\n" : "") + faults_[i];
  if (faults_.size() > kShown) all += fmt::format("\nand {} more", faults_.size() - kShown);
  return all;
}

// Back to the host from the middle of a kernel: what lies on the stacks of its threads is forgotten.
void Machine::abandon() {
  if constexpr (kChecks) checker::pause();
  idle_.clear();
  head_ = count_ = 0;
  for (Warp& warp : warp_) warp = {};
  for (const auto& fiber : fibers_)
    if (fiber.get() != fiber_) fiber->start(fiber_main), idle_.push_back(fiber.get());
  Context nowhere;
  fiber_->start(fiber_main), idle_.push_back(fiber_);
  switch_context(nowhere, host_, nullptr);
  __builtin_unreachable();
}

void Machine::return_from_kernel() {
  const unsigned id = built_in.number;
  Warp& warp = warp_[id / kWarp];
  thread_[id].state = State::kReturned, ++returned_;
  warp.returned |= 1u << id % kWarp;
  for (unsigned groups = warp.waiting; groups; groups &= groups - 1) finish_if_complete(id / kWarp, std::countr_zero(groups));
}

void Machine::wait_at_barrier(Site site) {
  if constexpr (kChecks) checker::pause();
  const unsigned id = built_in.number;
  if (at_barrier_ == 0) barrier_ = site;
  if (!same(barrier_, site)) {
    fault(fmt::format("{} is in __syncthreads at {} while others wait in that at {}", running_thread(), text(site),
                      text(barrier_)));
    abandon();
  }
  thread_[id].state = State::kAtBarrier, thread_[id].site = site;
  if (++at_barrier_ == threads_) {
    at_barrier_ = 0;
    if constexpr (kChecks) checker::barrier_passed();
    in_order(threads_, [&](unsigned i) { thread_[i].state = State::kReady, push_last(i); });
  }
  pass_on(false);
  if constexpr (kChecks) checker::resume(*fiber_);
}

Payload Machine::join_warp(WarpCall call, unsigned mask, Payload given, unsigned source, Site site) {
  if constexpr (kChecks) checker::pause();
  const unsigned id = built_in.number, w = id / kWarp, lane = id % kWarp;
  Warp& warp = warp_[w];
  Thread& me = thread_[id];
  if (!(mask >> lane & 1)) {
    fault(fmt::format("{} is lane {} and makes {} at {} under the mask {:#x}, which does not name it", running_thread(), lane,
                      name(call), text(site), mask));
    abandon();
  }
  int slot = std::countr_zero(~warp.waiting);
  for (unsigned others = warp.waiting; others; others &= others - 1)
    if (const int k = std::countr_zero(others); warp.groups[size_t(k)].mask == mask) slot = k;
  Group& group = warp.groups[size_t(slot)];
  if (warp.waiting >> slot & 1) {
    const Thread& other = thread_[w * kWarp + unsigned(std::countr_zero(group.arrived))];
    if (other.call != call || !same(other.site, site)) {
      fault(fmt::format("{} makes {} at {} while lanes of its warp wait in {} at {}, all under the mask {:#x}", running_thread(),
                        name(call), text(site), name(other.call), text(other.site), mask));
      abandon();
    }
  }
  group.mask = mask, group.arrived |= 1u << lane, warp.waiting |= 1u << slot;
  me.state = State::kInWarpCall, me.call = call, me.site = site, me.mask = mask, me.source = source, me.payload = given;
  finish_if_complete(w, slot);
  pass_on(false);
  if constexpr (kChecks) checker::resume(*fiber_);
  return me.payload;
}

void Machine::finish_if_complete(unsigned w, int slot) {
  Warp& warp = warp_[w];
  Group& group = warp.groups[size_t(slot)];
  if (group.mask & ~(group.arrived | warp.returned)) return;
  Thread* const lanes = &thread_[w * kWarp];
  const unsigned arrived = group.arrived;
  const WarpCall call = lanes[std::countr_zero(arrived)].call;
  std::array<Payload, kWarp> given;
  uint64_t votes = 0;
  for (unsigned l = 0; l < kWarp; ++l)
    if (arrived >> l & 1) given[l] = lanes[l].payload, votes |= uint64_t{given[l].words[0] != 0} << l;
  // They go on at once, before other warps: their stacks are still in the cache.
  in_order(kWarp, [&](unsigned i) {
    const unsigned l = kWarp - 1 - i;
    if (!(arrived >> l & 1)) return;
    Thread& t = lanes[l];
    if (call == WarpCall::kShuffle && !(arrived >> t.source & 1)) {
      fault(fmt::format("block {}: lane {} of warp {} reads lane {} at {}, which takes no part (mask {:#x})",
                        text(built_in.block), l, w, t.source, text(t.site), group.mask));
      abandon();
    }
    if (call == WarpCall::kShuffle) t.payload = given[t.source];
    if (call == WarpCall::kVote) t.payload.words[0] = votes;
    t.state = State::kReady, push_first(w * kWarp + l);
  });
  if constexpr (kChecks)
    if (call == WarpCall::kSync) checker::warp_synchronised(w, arrived);
  warp.waiting &= ~(1u << slot), group.arrived = 0;
}

// For when nobody can run, and not everybody has returned.
std::string Machine::who_waits() const {
  std::string waiting;
  for (unsigned id = 0; id < threads_; ++id) {
    const Thread& t = thread_[id];
    const bool in_warp = t.state == State::kInWarpCall;
    const auto alike = [&](const Thread& o) {
      return o.state == t.state && same(o.site, t.site) && (!in_warp || (o.call == t.call && o.mask == t.mask));
    };
    if (t.state == State::kReturned || std::any_of(thread_.begin(), thread_.begin() + id, alike)) continue;
    waiting +=
        fmt::format("{} in {} at {}{} (the first is thread {}), ",
                    std::count_if(thread_.begin(), thread_.begin() + threads_, alike), in_warp ? name(t.call) : "__syncthreads",
                    text(t.site), in_warp ? fmt::format(" under the mask {:#x}", t.mask) : "", text(t.index));
  }
  return fmt::format("block {}: {} threads wait for others that do not come: {}{} have returned", text(built_in.block),
                     threads_ - returned_, waiting, returned_);
}

}  // namespace

std::string execute(const Launch& launch) { return machine.execute(launch); }
void set_order(ThreadOrder order, uint64_t seed) { machine.set_order(order, seed); }
void barrier(Site site) { machine.wait_at_barrier(site); }
Payload warp_call(WarpCall call, unsigned mask, Payload given, unsigned source, Site site) {
  return machine.join_warp(call, mask, given, source, site);
}
void fault(std::string text) { machine.fault(std::move(text)); }
void abandon() { machine.abandon(); }
std::string running_thread() { return fmt::format("block {}, thread {}", text(built_in.block), text(built_in.thread)); }

}  // namespace vitrine::simt
