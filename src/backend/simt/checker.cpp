#include "backend/simt/checker.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <vector>

#include "backend/simt/fiber.h"
#include "backend/simt/machine.h"
#include "backend/simt/symbols.h"

// For every four bytes that a kernel may touch there is a cell that remembers who wrote them last and who read them. Two accesses are a race when
// one of them writes, not both are atomic, and nothing orders them: not a barrier of their block, not a __syncwarp of both lanes, not the
// end of a launch. What orders them is looked up, not whether they happened to come one after the other, so one execution finds the
// races of all orders (as far as the same accesses are made). The idea of remembering is that of Serebryany and Iskhodzhanov 2009, "ThreadSanitizer".

namespace vitrine::simt::checker {
namespace {

struct Access {
  uint32_t block = 0;  // counted through all launches, from 1 on; 0: nobody
  uint32_t place = 0;  // offset in the module
  uint32_t clock = 0;  // of its lane
  uint16_t epoch = 0;  // barriers that its block had passed
  uint16_t thread : 10 = 0, bytes : 4 = 0, atomic : 1 = 0, write : 1 = 0;
  bool same_warp(const Access& a) const { return block == a.block && thread / kWarp == a.thread / kWarp; }
};
struct Cell {
  Access write;
  std::array<Access, 2> reads;
  uint32_t written_in = 0;  // the block whose writes to shared memory count as such
};
static_assert(sizeof(Access) == 16);

constexpr size_t kRegion = size_t{4} << 30, kGap = 256;  // of the device's memory

// For each four bytes, a bit for each that was allocated and, above it, one for each that was written.
constexpr unsigned kAllocated = 0, kWritten = 4;

template <class T>
T* reserve(size_t count) {
  void* memory = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::fprintf(stderr, "vitrine: run.simt.check: the system gives no %zu MB of addresses (ulimit -v, vm.overcommit_memory)\n",
                 count * sizeof(T) >> 20);
    std::abort();
  }
  return static_cast<T*>(memory);
}

// A region of memory with its cells. `begin` is divisible by 4.
struct Area {
  Area(char* memory, size_t bytes, bool is_shared)
      : begin(memory),
        end(memory + bytes),
        cells(reserve<Cell>((bytes + 3) / 4)),
        state(reserve<uint8_t>((bytes + 3) / 4)),
        shared(is_shared) {}

  bool holds(const char* p, size_t n) const { return p >= begin && p < end && n <= size_t(end - p); }

  // f(word, bits): the words of a piece, and which bytes of them belong to it.
  template <class F>
  void for_each_word(const char* p, size_t n, F f) const {
    for (const char* last = p + n; p < last;) {
      const size_t offset = size_t(p - begin), here = std::min<size_t>(4 - offset % 4, size_t(last - p));
      f(offset / 4, ((1u << here) - 1) << offset % 4);
      p += here;
    }
  }
  void set(const char* p, size_t n, unsigned what, bool value) {
    for_each_word(p, n, [&](size_t word, unsigned bits) {
      state[word] = uint8_t(value ? state[word] | bits << what : state[word] & ~(bits << what));
    });
  }

  char *begin, *end;
  Cell* cells;
  uint8_t* state;
  bool shared;
  std::string name;  // of a static shared variable
};

// Known before there is a checker, since its own constructor may call what was instrumented.
constinit bool active = false;  // a thread of a kernel runs, and not the machine
constinit const char *device_begin = nullptr, *device_end = nullptr;

class Checker {
 public:
  Checker();

  char* allocate(size_t bytes);
  void release(char* memory);
  bool allocated(const char* p, size_t bytes) const;
  void written(const char* p, size_t bytes) { device_.set(p, bytes, kWritten, true); }
  unsigned char* shared_memory(size_t bytes);

  void begin_launch() { first_block_ = block_ + 1, block_index_.clear(), seen_.clear(); }
  void begin_block() { ++block_, epoch_ = 0, block_index_.push_back(built_in.block); }
  void resume(const Fiber& fiber) { stack_low_ = fiber.low(), stack_high_ = fiber.high(); }
  void barrier_passed() { ++epoch_; }
  void warp_synchronised(unsigned warp, unsigned lanes);
  void access(const void* at, size_t bytes, bool write, bool atomic, const void* place);

 private:
  // known[l][k]: what lane k of the warp did while its clock was at most this comes before what lane l does now.
  struct Clocks {
    uint32_t known[kWarp][kWarp] = {};
  };
  Area* area_of(const char* p, size_t bytes, const Access& me);
  void touch(Area& area, size_t word, Access me);
  bool before(const Area& area, const Access& a, const Access& b) const;
  bool race(const Area& area, const Access& a, const Access& b) const;
  void remember_read(const Area& area, Cell& cell, const Access& me) const;
  void report(const std::string& what, const Access& me, const Access* other);
  std::string describe(const Area& area, const char* p) const;
  std::string text(const Access& a) const;

  Area device_, dynamic_;
  size_t used_ = 0, shared_bytes_ = 0;
  std::map<const char*, size_t> pieces_;  // all that ever were
  std::vector<Area> static_;              // shared variables, ascending
  const char *stack_low_ = nullptr, *stack_high_ = nullptr;

  uint32_t block_ = 0, first_block_ = 1;  // the one that runs; the first of the launch
  uint16_t epoch_ = 0;
  std::vector<uint3> block_index_;  // of the blocks of the launch
  std::vector<Clocks> clocks_{kMostThreads / kWarp};
  std::set<std::pair<uint32_t, uint32_t>> seen_;  // places that were reported together
};

Checker& checker() {
  static Checker c;
  return c;
}

Checker::Checker()
    : device_(reserve<char>(kRegion), kRegion, false), dynamic_(reserve<char>(2 * kMostShared), 2 * kMostShared, true) {
  device_begin = device_.begin, device_end = device_.end;
  for (const Variable& v : own_module().shared) {
    static_.emplace_back(reinterpret_cast<char*>(v.at), v.end - v.at, true);
    static_.back().name = v.name;
    static_.back().set(static_.back().begin, v.end - v.at, kAllocated, true);
  }
  for (Clocks& warp : clocks_)
    for (unsigned l = 0; l < kWarp; ++l) warp.known[l][l] = 1;
}

char* Checker::allocate(size_t bytes) {
  if (bytes + 2 * kGap > kRegion - used_) return nullptr;
  char* const memory = device_.begin + used_;
  used_ += (bytes + 2 * kGap - 1) / kGap * kGap;
  device_.set(memory, bytes, kAllocated, true);
  pieces_[memory] = bytes;
  return memory;
}

void Checker::release(char* memory) { device_.set(memory, pieces_[memory], kAllocated, false); }

bool Checker::allocated(const char* p, size_t bytes) const {
  bool all = device_.holds(p, bytes);
  if (all)
    device_.for_each_word(p, bytes,
                          [&](size_t word, unsigned bits) { all &= (device_.state[word] >> kAllocated & bits) == bits; });
  return all;
}

unsigned char* Checker::shared_memory(size_t bytes) {
  dynamic_.set(dynamic_.begin, shared_bytes_, kAllocated, false);
  dynamic_.set(dynamic_.begin, shared_bytes_ = bytes, kAllocated, true);
  return reinterpret_cast<unsigned char*>(dynamic_.begin);
}

// All lanes know from now on what any of them knew; what they do next is later than that.
void Checker::warp_synchronised(unsigned warp, unsigned lanes) {
  auto& known = clocks_[warp].known;
  std::array<uint32_t, kWarp> all{};
  for (unsigned l = 0; l < kWarp; ++l)
    if (lanes >> l & 1)
      for (unsigned k = 0; k < kWarp; ++k) all[k] = std::max(all[k], known[l][k]);
  for (unsigned l = 0; l < kWarp; ++l)
    if (lanes >> l & 1) {
      std::copy(all.begin(), all.end(), known[l]);
      ++known[l][l];
    }
}

void Checker::access(const void* at, size_t bytes, bool write, bool atomic, const void* place) {
  const char* const p = static_cast<const char*>(at);
  if (p >= stack_low_ && p < stack_high_) return;
  const unsigned thread = built_in.number, lane = thread % kWarp;
  Access me;
  me.block = block_, me.epoch = epoch_, me.thread = uint16_t(thread & (kMostThreads - 1));
  me.place = uint32_t(reinterpret_cast<uintptr_t>(place) - own_module().base);
  me.clock = clocks_[thread / kWarp].known[lane][lane];
  me.write = write, me.atomic = atomic;
  Area* const area = area_of(p, bytes, me);
  if (!area) return;
  area->for_each_word(p, bytes, [&](size_t word, unsigned bits) {
    me.bytes = uint16_t(bits & 15);
    touch(*area, word, me);
  });
}

// Null: constants and what the machine itself says (threadIdx). Whatever else a kernel may not touch ends the launch.
Area* Checker::area_of(const char* p, size_t bytes, const Access& me) {
  if (device_.holds(p, bytes)) return &device_;
  if (dynamic_.holds(p, bytes)) return &dynamic_;
  const Module& m = own_module();
  const uintptr_t at = reinterpret_cast<uintptr_t>(p);
  if (at >= m.variables_begin && at < m.variables_end) {
    const auto next =
        std::upper_bound(static_.begin(), static_.end(), p, [](const char* q, const Area& a) { return q < a.begin; });
    if (next != static_.begin() && std::prev(next)->holds(p, bytes)) return &*std::prev(next);
    if (!me.write && p >= reinterpret_cast<const char*>(&built_in) && p < reinterpret_cast<const char*>(&built_in + 1))
      return nullptr;
    if (next != static_.begin() && p < std::prev(next)->begin + kMostShared)
      report(fmt::format("{} outside of memory: {}", me.write ? "write" : "read", describe(*std::prev(next), p)), me, nullptr);
    else
      report(fmt::format("{} of a variable of the host", me.write ? "write" : "read"), me, nullptr);
    abandon();
  }
  for (const auto& [begin, end] : m.constants)
    if (!me.write && at >= begin && at < end) return nullptr;
  report(fmt::format("{} of memory of the host", me.write ? "write" : "read"), me, nullptr);
  abandon();
}

void Checker::touch(Area& area, size_t word, Access me) {
  Cell& cell = area.cells[word];
  uint8_t& state = area.state[word];
  const char* const p = area.begin + 4 * word + std::countr_zero(unsigned{me.bytes});
  if (area.shared && cell.written_in != block_) state &= uint8_t(~(15u << kWritten)), cell.written_in = block_;
  if ((state >> kAllocated & me.bytes) != me.bytes) {
    report(fmt::format("{} outside of memory: {}", me.write ? "write" : "read", describe(area, p)), me, nullptr);
    abandon();
  }
  if ((!me.write || me.atomic) && (state >> kWritten & me.bytes) != me.bytes)
    report(fmt::format("read before anything was written: {}", describe(area, p)), me, nullptr);
  if (race(area, cell.write, me))
    report(fmt::format("race: {}", describe(area, p)), me, &cell.write);
  else if (me.write)
    for (const Access& read : cell.reads)
      if (race(area, read, me)) report(fmt::format("race: {}", describe(area, p)), me, &read);
  if (me.write)
    cell.write = me, state |= uint8_t(me.bytes << kWritten);
  else
    remember_read(area, cell, me);
}

bool Checker::before(const Area& area, const Access& a, const Access& b) const {
  if (a.block < first_block_) return true;     // an earlier launch, or nobody
  if (a.block != b.block) return area.shared;  // each block has shared memory of its own
  if (a.thread == b.thread || a.epoch != b.epoch) return true;
  return a.same_warp(b) && clocks_[b.thread / kWarp].known[b.thread % kWarp][a.thread % kWarp] >= a.clock;
}

bool Checker::race(const Area& area, const Access& a, const Access& b) const {
  return (a.bytes & b.bytes) && !(a.atomic && b.atomic) && !before(area, a, b);
}

// What comes after a reader comes after everybody before it. Of readers that nothing orders two are kept, of two warps if there are two: lanes
// of one may be in order with a later writer.
void Checker::remember_read(const Area& area, Cell& cell, const Access& me) const {
  auto& [first, second] = cell.reads;
  if (before(area, first, me))
    first = me;
  else if (before(area, second, me) || (first.same_warp(second) && !first.same_warp(me)))
    second = me;
}

std::string Checker::text(const Access& a) const {
  const uint3 b = block_index_[a.block - first_block_];
  const dim3 d = built_in.threads;
  const unsigned t = a.thread;
  return fmt::format("{} by block ({},{},{}), thread ({},{},{}) at {}",
                     a.atomic  ? "atomic"
                     : a.write ? "write"
                               : "read",
                     b.x, b.y, b.z, t % d.x, t / d.x % d.y, t / (d.x * d.y), source_line(own_module().base + a.place));
}

void Checker::report(const std::string& what, const Access& me, const Access* other) {
  if (!seen_.insert({me.place, other ? other->place : 0}).second) return;
  active = false;
  fault(fmt::format("{}\n    {}{}", what, text(me), other ? "\n    " + text(*other) : ""));
  active = true;
}

std::string Checker::describe(const Area& area, const char* p) const {
  if (&area == &dynamic_) return fmt::format("byte {} of {} bytes of dynamic shared memory", p - area.begin, shared_bytes_);
  if (area.shared) return fmt::format("byte {} of the {} bytes of shared `{}`", p - area.begin, area.end - area.begin, area.name);
  // The nearest piece: one that was meant.
  const auto next = pieces_.upper_bound(p);
  const bool before =
      next != pieces_.end() &&
      (next == pieces_.begin() || next->first - p < p - std::prev(next)->first - ptrdiff_t(std::prev(next)->second));
  if (!before && next == pieces_.begin()) return "memory of the device";
  const auto& [begin, bytes] = before ? *next : *std::prev(next);
  return fmt::format("byte {} of {} bytes of global memory", p - begin, bytes);
}

// The compiler passes what it knows of a place, as clang's documentation of UndefinedBehaviorSanitizer and libsanitizer's ubsan_value.h have it.
struct Place {
  const char* file;
  uint32_t line, column;
};
struct Type {
  uint16_t kind, info;
  char name[1];
};
struct Mismatch {
  Place place;
  const Type* type;
  unsigned char log_alignment, kind;
};
struct Bounds {
  Place place;
  const Type *array, *index;
};

// Accesses that the processor could not make, or that would hit something else.
void impossible(const Place& place, const std::string& what) {
  const std::string at = fmt::format("{}:{}", file_name(place.file), place.line);
  if (!active) {
    std::fprintf(stderr, "vitrine: %s: %s\n", at.c_str(), what.c_str());
    std::abort();
  }
  pause();
  fault(fmt::format("{}\n    by {} at {}", what, running_thread(), at));
  abandon();
}

}  // namespace

char* allocate(size_t bytes) { return checker().allocate(bytes); }
void release(char* memory) { checker().release(memory); }
bool may_read(const void* memory, size_t bytes) { return checker().allocated(static_cast<const char*>(memory), bytes); }
bool may_write(const void* memory, size_t bytes) {
  const char* p = static_cast<const char*>(memory);
  if (!checker().allocated(p, bytes)) return false;
  checker().written(p, bytes);
  return true;
}
void begin_launch() { checker().begin_launch(); }
void begin_block() { checker().begin_block(); }
void resume(const Fiber& fiber) {
  checker().resume(fiber);
  active = true;
}
void pause() { active = false; }
unsigned char* shared_memory(size_t bytes) { return checker().shared_memory(bytes); }
void barrier_passed() { checker().barrier_passed(); }
void warp_synchronised(unsigned warp, unsigned lanes) { checker().warp_synchronised(warp, lanes); }
void atomic_access(const void* at, size_t bytes, const void* place) { checker().access(at, bytes, true, true, place); }

}  // namespace vitrine::simt::checker

// --- what the compiler calls before an access. Code of the host is instrumented, too: it must leave the device's memory alone.
namespace {
void look(const void* at, size_t bytes, bool write, const void* place) {
  using namespace vitrine::simt;
  if (checker::active) return checker::checker().access(at, bytes, write, false, place);
  if (at < checker::device_begin || at >= checker::device_end) return;
  std::fprintf(stderr, "vitrine: %s: the host %s memory of the device\n", source_line(reinterpret_cast<uintptr_t>(place)).c_str(),
               write ? "writes" : "reads");
  std::abort();
}
}  // namespace

extern "C" {
#define VITRINE_HOOKS(bytes)                                                                           \
  void __tsan_read##bytes(void* at) { look(at, bytes, false, __builtin_return_address(0)); }           \
  void __tsan_write##bytes(void* at) { look(at, bytes, true, __builtin_return_address(0)); }           \
  void __tsan_unaligned_read##bytes(void* at) { look(at, bytes, false, __builtin_return_address(0)); } \
  void __tsan_unaligned_write##bytes(void* at) { look(at, bytes, true, __builtin_return_address(0)); } \
  void __tsan_volatile_read##bytes(void* at) { look(at, bytes, false, __builtin_return_address(0)); }  \
  void __tsan_volatile_write##bytes(void* at) { look(at, bytes, true, __builtin_return_address(0)); }
VITRINE_HOOKS(1)
VITRINE_HOOKS(2)
VITRINE_HOOKS(4)
VITRINE_HOOKS(8)
VITRINE_HOOKS(16)
#undef VITRINE_HOOKS
void __tsan_read_range(void* at, size_t bytes) { look(at, bytes, false, __builtin_return_address(0)); }
void __tsan_write_range(void* at, size_t bytes) { look(at, bytes, true, __builtin_return_address(0)); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void*, void*) {}
void __tsan_vptr_read(void*) {}

void __ubsan_handle_type_mismatch_v1(const vitrine::simt::checker::Mismatch* m, uintptr_t at) {
  vitrine::simt::checker::impossible(m->place, fmt::format("misaligned access: {} at {:#x}, which is not divisible by {}",
                                                           m->type->name, at, 1u << m->log_alignment));
}
void __ubsan_handle_out_of_bounds(const vitrine::simt::checker::Bounds* b, uintptr_t index) {
  vitrine::simt::checker::impossible(b->place, fmt::format("index {} is outside of {}", intptr_t(index), b->array->name));
}
}
