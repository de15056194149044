#include "train/local_engine.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <thread>

#include "backend/device.h"
#include "backend/profiling_backend.h"
#include "base/check.h"
#include "base/error.h"
#include "train/lanes.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

constexpr int64_t kStretch = 1 << 15;  // numbers that one call updates on the processor; a GPU takes a whole parameter

int thread_count(int asked, int64_t lanes) {
  const int cores = asked > 0 ? asked : std::max(1, int(std::thread::hardware_concurrency()));
  return int(std::min<int64_t>(cores, lanes));
}

Extent extent_of(const Layout& l) { return {l.tokens, l.sequences, l.longest, l.pairs, l.predicted}; }

std::unique_ptr<Backend> make_lane_backend(const EngineSettings& s) {
  std::unique_ptr<Backend> ops = make_backend(s.device);
  return s.profile ? std::make_unique<ProfilingBackend>(std::move(ops)) : std::move(ops);
}

// Number of the first target that lies in sequence b or after it.
int64_t first_target_of(const Batch& batch, size_t k, int64_t b) {
  const Targets& t = batch.targets[k];
  if (t.rows.empty()) return t.classes.empty() ? 0 : b;
  return std::lower_bound(t.rows.begin(), t.rows.end(), batch.offsets[size_t(b)]) - t.rows.begin();
}

}  // namespace

EngineSummary plan_local_engine(const EngineSettings& settings) {
  const Layout layout = layout_of(settings);
  const Plan plan = Replica::count(settings, extent_of(layout));
  const auto bytes = [](int64_t numbers) { return numbers * int64_t(sizeof(Real)); };
  EngineSummary s;
  for (const NamedParameter& p : plan.parameters) s.parameters += p.at.value.size();
  s.lanes = layout.lanes, s.micro_batch = layout.micro_batch, s.threads = thread_count(settings.threads, layout.lanes);
  s.bytes_parameters = bytes(plan.params.peak() + plan.tables.peak());
  s.bytes_gradients = layout.lanes * bytes(plan.grads.peak());
  s.bytes_optimizer = std::ssize(Optimizer::prefixes(settings.optimizer)) * bytes(plan.params.peak());
  s.bytes_activations = layout.lanes * bytes(plan.activations.peak() + plan.gradients.peak());
  return s;
}

LocalEngine::LocalEngine(const EngineSettings& settings)
    : settings_(settings), summary_(plan_local_engine(settings)), workers_(int(summary_.threads)) {
  const Layout layout = layout_of(settings);
  for (int64_t k = 0; k < layout.lanes; ++k)
    lanes_.push_back(std::make_unique<Replica>(settings, extent_of(layout), make_lane_backend(settings), shared_));
  optimizer_ = std::make_unique<Optimizer>(settings.optimizer, ops(), shared_.params->size);
  lane_loss_.resize(lanes_.size());
  initialise();
  cut_into_stretches();
}

// Every parameter draws from random numbers of its own, named after it: adding one changes no other.
void LocalEngine::initialise() {
  std::vector<Real> row;
  const auto fill_rows = [&](Tensor at, auto f) {
    row.resize(size_t(at.cols));
    for (int64_t i = 0; i < at.rows; ++i) {
      for (int64_t j = 0; j < at.cols; ++j) row[size_t(j)] = Real(f(i, j));
      ops().write(at.slice(i, 1), row);
    }
  };
  for (const NamedParameter& p : lanes_[0]->plan().parameters) {
    const RngKey key{settings_.seed, RngKey::make_stream(Purpose::kInitialise), hash_name(p.name)};
    fill_rows(p.at.value, [&](int64_t i, int64_t j) {
      return p.init.deviation > 0 ? p.init.deviation * key.normal(uint32_t(i), uint32_t(j)) : p.init.constant;
    });
  }
  for (const Table& table : lanes_[0]->plan().constants) fill_rows(table.at, table.f);
  for (const NamedState& state : lanes_[0]->plan().states) state.start(ops(), RngKey{settings_.seed, 0, 0});
}

void LocalEngine::cut_into_stretches() {
  const int64_t most = settings_.device.kind == Device::kCpu ? kStretch : std::numeric_limits<int64_t>::max();
  for (const NamedParameter& p : lanes_[0]->plan().parameters)
    for (int64_t first = 0; first < p.at.value.size(); first += most)
      stretches_.push_back(
          {p.at.value.data - shared_.params->data + first, std::min(most, p.at.value.size() - first), !p.is_vector});
  squares_.resize(stretches_.size());
}

template <class F>
void LocalEngine::for_each_stretch(F f) {
  const int64_t K = int64_t(lanes_.size()), n = int64_t(stretches_.size());
  const auto share = [&](int64_t k) {
    for (int64_t i = k; i < n; i += K) f(size_t(i), lanes_[size_t(k)]->ops());
  };
  workers_.run(K, std::ref(share));
}

// Lane k takes the sequences whose middle token lies in the k-th of K equal parts of the batch.
int64_t LocalEngine::lane_begin(const Batch& batch, int64_t lane) const {
  const int64_t K = int64_t(lanes_.size()), N = batch.size();
  int64_t b = 0;
  while (b < batch.sequence_count() && (batch.offsets[size_t(b)] + batch.offsets[size_t(b) + 1]) * K < 2 * N * lane) ++b;
  return b;
}

double LocalEngine::accumulate(const Batch& batch, bool training, RngKey rng, Probe* probe) {
  const auto clear = [&](int64_t k) { lanes_[size_t(k)]->ops().fill(lanes_[size_t(k)]->gradients(), 0); };
  workers_.run(int64_t(lanes_.size()), std::ref(clear));
  const auto pass = [&](Replica& lane) {
    const double loss = lane.forward(training, rng, probe);
    lane.backward(training, rng, probe);
    return loss;
  };
  return sum_losses(batch, std::ref(pass), probe != nullptr);
}

double LocalEngine::sum_losses(const Batch& batch, const std::function<double(Replica&)>& loss, bool in_turn) {
  const auto run_lane = [&](int64_t k) {
    Replica& lane = *lanes_[size_t(k)];
    double sum = 0;
    const auto piece = [&](int64_t) { sum += loss(lane); };
    lane.for_each_micro_batch(batch, lane_begin(batch, k), lane_begin(batch, k + 1), std::ref(piece));
    lane_loss_[size_t(k)] = sum;
  };
  run_lanes(std::ref(run_lane), in_turn);
  double sum = 0;
  for (double part : lane_loss_) sum += part;
  return sum;
}

Tensor LocalEngine::sum_lanes(Backend& ops, int64_t offset, int64_t size) {
  const auto part = [&](size_t lane) { return lanes_[lane]->gradients().columns(offset, size); };
  for (size_t apart = 1; apart < lanes_.size(); apart *= 2)  // a balanced tree: ((0+1)+(2+3)) + …
    for (size_t k = 0; k + apart < lanes_.size(); k += 2 * apart) ops.add(part(k), part(k), part(k + apart));
  return part(0);
}

double LocalEngine::sum_lanes() {
  for_each_stretch(
      [&](size_t i, Backend& ops) { squares_[i] = ops.sum_squares(sum_lanes(ops, stretches_[i].offset, stretches_[i].size)); });
  double sum = 0;
  for (double part : squares_) sum += part;
  return std::sqrt(sum);
}

StepReport LocalEngine::train_step(const Batch& batch, int64_t step, double learning_rate) {
  const RngKey rng{settings_.seed, 0, uint32_t(step)};
  const double loss = accumulate(batch, true, rng), norm = sum_lanes();
  if (!std::isfinite(loss) || !std::isfinite(norm)) diagnose(batch, step, rng);
  const double clip = settings_.training.clip;
  const double scale = clip > 0 && norm > clip ? clip / (norm + 1e-6) : 1;  // PyTorch's clip_grad_norm_
  for_each_stretch([&](size_t i, Backend& ops) {
    const Stretch& s = stretches_[i];
    const Tensor w{shared_.params->data + s.offset, 1, s.size, s.size};
    optimizer_->update(ops, w, lanes_[0]->gradients().columns(s.offset, s.size), s.offset, s.decays, step, learning_rate, scale);
  });
  for (const NamedState& state : lanes_[0]->plan().states) {
    sum_lanes(ops(), state.value.data - shared_.params->data, state.value.size());
    state.advance(ops(), rng);
  }
  return {loss, norm};
}

double LocalEngine::loss_of(const Batch& batch) {
  return sum_losses(batch, [](Replica& lane) { return lane.forward(false, {}); });
}

double LocalEngine::gradients_of(const Batch& batch, Probe* probe) {
  const double loss = accumulate(batch, false, {}, probe);
  sum_lanes();
  return loss;
}

void LocalEngine::forward(const Batch& batch, ForwardResult& result, Want want, Probe* probe) {
  const auto wants_logits = [&](size_t k) {
    const ObjectiveKind kind = settings_.objectives[k].kind;
    return want == Want::kLogits || kind == ObjectiveKind::kMultiLabelClassification || kind == ObjectiveKind::kRegression;
  };
  result.resize(settings_.objectives.size());
  for (size_t k = 0; k < result.size(); ++k) {
    const size_t M = batch.targets[k].classes.size();
    HeadResult& head = result[k];
    head.classes = settings_.classes[k];
    head.losses.assign(M, 0);
    head.predictions.assign(M, 0);
    head.logits.assign(wants_logits(k) ? M * size_t(head.classes) : 0, 0);
  }
  const auto run_lane = [&](int64_t l) {
    Replica& lane = *lanes_[size_t(l)];
    const auto piece = [&](int64_t first_sequence) {
      lane.measure(probe);
      for (size_t k = 0; k < result.size(); ++k) {
        HeadResult& head = result[k];
        const size_t C = size_t(head.classes), first = size_t(first_target_of(batch, k, first_sequence));
        std::copy_n(lane.read_losses(k).begin(), lane.target_count(k), head.losses.begin() + int64_t(first));
        const std::span<const Real> z = lane.read_logits(k);
        for (size_t m = 0; m < size_t(lane.target_count(k)); ++m) {
          const auto row = z.subspan(m * C, C);
          head.predictions[first + m] = int32_t(std::max_element(row.begin(), row.end()) - row.begin());
          if (wants_logits(k)) std::copy(row.begin(), row.end(), head.logits.begin() + int64_t((first + m) * C));
        }
      }
    };
    lane.for_each_micro_batch(batch, lane_begin(batch, l), lane_begin(batch, l + 1), std::ref(piece));
  };
  run_lanes(std::ref(run_lane), probe != nullptr);
}

void LocalEngine::run_lanes(const std::function<void(int64_t)>& run, bool in_turn) {
  if (in_turn)
    for (int64_t k = 0; k < int64_t(lanes_.size()); ++k) run(k);
  else
    workers_.run(int64_t(lanes_.size()), run);
}

std::vector<OpProfile> LocalEngine::profile() const {
  std::vector<OpProfile> all;
  if (!settings_.profile) return all;
  for (const auto& lane : lanes_)
    for (const OpProfile& op : static_cast<const ProfilingBackend&>(lane->ops()).profile()) {
      const auto same = std::find_if(all.begin(), all.end(), [&](const OpProfile& other) { return other.name == op.name; });
      if (same == all.end())
        all.push_back(op);
      else
        same->calls += op.calls, same->seconds += op.seconds, same->flops += op.flops, same->bytes += op.bytes;
    }
  std::sort(all.begin(), all.end(), [](const OpProfile& a, const OpProfile& b) { return a.seconds > b.seconds; });
  return all;
}

std::unique_ptr<Engine> make_local_engine(const EngineSettings& settings) { return std::make_unique<LocalEngine>(settings); }

}  // namespace vitrine::inline VITRINE_PRECISION
