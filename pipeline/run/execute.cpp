#include "pipeline/run/execute.hpp"

#include <fmt/format.h>

#include <atomic>

#include "pipeline/core/log.hpp"
#include "pipeline/core/units.hpp"
#include "pipeline/decompose/components.hpp"
#include "pipeline/run/agreement.hpp"
#include "pipeline/run/block_buffers.hpp"
#include "pipeline/run/label_store.hpp"
#include "pipeline/run/pass.hpp"

namespace voxflow::run {

namespace {
// One channel's parameters with the state that they and the small inputs lead to.
struct Variant {
  const BoundKernel* bound = nullptr;
  AnyState state;
};

enum class PartKind : std::uint8_t { chunk, labels };

class Execution {
 public:
  Execution(const Job& job, Team& team, const RunOptions& options, ImageSink& sink)
      : job_(job),
        team_(team),
        options_(options),
        sink_(sink),
        schema_(job.kernel->schema()),
        request_(job.request()) {}

  JobResult run() {
    together(team_, [&] { prepare(); });
    if (bound_.front()->has_survey()) survey();
    if (bound_.front()->has_run() && !layout_.outputs.empty()) {
      compute();
      if (makes_labels()) write_labels();
    }
    together(team_, [&] { emit(); });
    count_up();
    for (const OutputPort& out : layout_.outputs) result_.volumes[out.port] = out.info;
    return std::move(result_);
  }

 private:
  void prepare();
  void check_memory();
  const Variant& variant_of(const Call& call) const;
  std::size_t units() const { return layout_.plan.calls.size() * layout_.blocks_per_call(); }
  const Call& call_of(std::size_t unit) const { return layout_.plan.calls[unit / layout_.blocks_per_call()]; }
  std::size_t block_of(std::size_t unit) const { return unit % layout_.blocks_per_call(); }
  const Box3& core_of(std::size_t unit) const { return layout_.blocks->cores()[block_of(unit)]; }
  std::string where(std::size_t unit) const;
  Pass pass() const;
  Context context(PassControl& control) const {
    return {layout_.whole_volume ? std::max(1, options_.threads) : 1, &control.stop, &control.pulse};
  }
  FilledBlock fill(std::size_t unit) const;

  void survey();
  void merge_surveys(std::size_t call, std::size_t block, AnySurvey survey);
  void share_surveys();
  void compute();
  std::string compute_unit(std::size_t unit, PassControl& control);
  void put_chunks(ByteWriter& out, std::size_t port, const Place& place, const Box3& core, const void* voxels,
                  DType memory, DType storage);
  void keep_labels(ByteWriter& out, std::size_t unit, std::size_t port, std::size_t slice, std::uint32_t* labels);
  void deliver(std::size_t unit, const std::string& message);

  bool is_labels(const OutputPort& out) const { return out.info.kind == record::ImageKind::labels; }
  bool makes_labels() const {
    return std::any_of(layout_.outputs.begin(), layout_.outputs.end(),
                       [&](const OutputPort& o) { return is_labels(o); });
  }
  bool merges() const { return schema_.blockwise == Blockwise::components; }
  std::size_t slices_per_call() const { return layout_.plan.calls.front().outputs.size(); }
  // A number for one slice of one block of one label output.
  std::size_t spill_number(std::size_t unit, std::size_t port, std::size_t slice) const {
    return (unit * layout_.outputs.size() + port) * slices_per_call() + slice;
  }
  std::string merge_components();
  void take_components(const std::string& bytes);
  void take_numbers(std::size_t output, ByteReader& in);
  void agree_on_labels();
  void write_labels();
  std::string relabel_unit(std::size_t unit);
  void emit();
  void count_up();

  const Job& job_;
  Team& team_;
  const RunOptions& options_;
  ImageSink& sink_;
  const SchemaInfo& schema_;
  Request request_;
  std::vector<std::unique_ptr<BoundKernel>> bound_;
  std::vector<Variant> variants_;
  std::vector<std::size_t> variant_of_call_;
  Layout layout_;
  JobResult result_;

  std::vector<AnySurvey> surveys_;                       // of each call; complete once shared
  std::vector<std::map<std::size_t, AnySurvey>> early_;  // rank 0: surveys of blocks that wait for earlier ones
  std::vector<std::size_t> next_block_;                  // rank 0: of each call
  SpillFile spill_;
  std::map<std::size_t, LabelsSeen> seen_;                          // by output
  std::map<std::size_t, decompose::BlockLabels> described_;         // rank 0: by spill number
  std::map<std::size_t, std::vector<std::uint32_t>> final_labels_;  // of this rank's blocks, by spill number
  std::map<std::size_t, DType> storage_;                            // of label outputs
  std::atomic<std::uint64_t> nan_voxels_{0}, clamped_voxels_{0};
};

void Execution::prepare() {
  bound_ = bind_all(request_);
  layout_ = plan_layout(request_, bound_);
  std::map<std::pair<std::size_t, int>, std::size_t> known;  // (bound kernel, channel of its PSFs) → variant
  for (const Call& call : layout_.plan.calls) {
    std::size_t k = 0;
    const auto it = request_.params_by_channel.find(call.slice.c);
    if (it != request_.params_by_channel.end())
      k = 1 + static_cast<std::size_t>(std::distance(request_.params_by_channel.begin(), it));
    const int channel = job_.small.psfs.empty() ? -1 : call.slice.c;
    const auto [place, added] = known.try_emplace({k, channel}, variants_.size());
    if (added) {
      Geometry geometry = layout_.geometry;
      geometry.small = job_.small.for_channel(channel);
      variants_.push_back({bound_[k].get(), in_kernel(schema_.name, [&] { return bound_[k]->prepare(geometry); })});
    }
    variant_of_call_.push_back(place->second);
  }
  check_memory();
  if (team_.rank() == 0)
    for (const OutputPort& out : layout_.outputs)
      if (!is_labels(out)) sink_.open(out.port, out.info, out.info.dtype);
}

void Execution::check_memory() {
  std::vector<AnyState> states(bound_.size());
  for (std::size_t k = 0; k < bound_.size(); ++k)
    for (const Variant& v : variants_)
      if (v.bound == bound_[k].get()) states[k] = v.state;
  const bool all_known =
      bound_.size() == 1 || std::none_of(states.begin(), states.end(), [](const AnyState& s) { return !s; });
  result_.memory_estimate_bytes =
      memory_estimate(request_, layout_, bound_, all_known ? states : std::vector<AnyState>{}, options_.threads);
  if (team_.rank() == 0)
    log::info("kernel '{}': blocks {}, voxels of the largest {}, ranks {}, threads {}, memory of a rank at most {}",
              schema_.name, units(), layout_.blocks ? count(layout_.blocks->largest_core()) : 0, team_.size(),
              options_.threads, format_bytes(result_.memory_estimate_bytes));
  if (job_.memory_bytes > 0 && result_.memory_estimate_bytes > job_.memory_bytes)
    throw TaskError(
        ExitCode::user, "too_little_memory",
        fmt::format(
            "one rank of kernel '{}' needs {} for {} threads, each at work on one block, and is given {}; give the "
            "step more memory, fewer ranks or fewer threads",
            schema_.name, format_bytes(result_.memory_estimate_bytes), options_.threads,
            format_bytes(job_.memory_bytes)));
}

const Variant& Execution::variant_of(const Call& call) const {
  return variants_[variant_of_call_[static_cast<std::size_t>(&call - layout_.plan.calls.data())]];
}

std::string Execution::where(std::size_t unit) const {
  const Slice& s = call_of(unit).slice;
  const Index3& at = core_of(unit).origin;
  std::string text;
  if (s.t >= 0) text += fmt::format("timepoint {}, ", s.t);
  if (s.c >= 0) text += fmt::format("channel {}, ", s.c);
  return text + fmt::format("block at {}, {}, {} (z, y, x)", at[kZ], at[kY], at[kX]);
}

Pass Execution::pass() const {
  Pass p;
  p.units = units();
  p.threads = layout_.whole_volume ? 1 : options_.threads;
  p.where = [this](std::size_t unit) { return where(unit); };
  return p;
}

FilledBlock Execution::fill(std::size_t unit) const {
  const Variant& v = variant_of(call_of(unit));
  return fill_block(layout_, job_.images, *v.bound, v.state, call_of(unit), core_of(unit),
                    schema_.nan_policy.value_or(NanPolicy::propagates));
}

void Execution::survey() {
  const std::size_t calls = layout_.plan.calls.size();
  surveys_.resize(calls), early_.resize(calls), next_block_.resize(calls);
  Pass p = pass();
  p.work = [&](std::size_t unit, PassControl& control) {
    const FilledBlock filled = fill(unit);
    if (!bound_.front()->has_run()) nan_voxels_ += filled.nan_voxels;
    const Variant& v = variant_of(call_of(unit));
    return in_kernel(schema_.name, [&] {
      Context ctx = context(control);
      return v.bound->encode(v.bound->survey(v.state, filled.block, ctx));
    });
  };
  p.deliver = [&](std::size_t unit, const std::string& bytes) {
    const BoundKernel& bound = *variant_of(call_of(unit)).bound;
    merge_surveys(unit / layout_.blocks_per_call(), block_of(unit),
                  in_kernel(schema_.name, [&] { return bound.decode(bytes); }));
  };
  run_pass(team_, p, options_);
  share_surveys();
}

// Surveys are merged in block order whatever order they come in, so that sums come out the same for any ranks.
void Execution::merge_surveys(std::size_t call, std::size_t block, AnySurvey survey) {
  early_[call][block] = std::move(survey);
  const BoundKernel& bound = *variant_of(layout_.plan.calls[call]).bound;
  for (auto it = early_[call].begin(); it != early_[call].end() && it->first == next_block_[call];
       it = early_[call].begin()) {
    if (surveys_[call])
      in_kernel(schema_.name, [&] { bound.merge(surveys_[call], it->second); });
    else
      surveys_[call] = it->second;
    ++next_block_[call];
    early_[call].erase(it);
  }
}

void Execution::share_surveys() {
  if (team_.size() == 1 || !bound_.front()->has_run()) return;
  std::string bytes;
  together(team_, [&] {
    if (team_.rank() != 0) return;
    ByteWriter out;
    for (std::size_t i = 0; i < surveys_.size(); ++i)
      out.put(std::string_view(variant_of(layout_.plan.calls[i]).bound->encode(surveys_[i])));
    bytes = out.take();
  });
  team_.broadcast(bytes);
  together(team_, [&] {
    if (team_.rank() == 0) return;
    ByteReader in(bytes);
    for (std::size_t i = 0; i < surveys_.size(); ++i)
      surveys_[i] = variant_of(layout_.plan.calls[i]).bound->decode(in.get_string());
  });
}

void Execution::compute() {
  for (std::size_t o = 0; o < layout_.outputs.size(); ++o)
    if (is_labels(layout_.outputs[o])) seen_[o];
  Pass p = pass();
  p.work = [&](std::size_t unit, PassControl& control) { return compute_unit(unit, control); };
  p.deliver = [&](std::size_t unit, const std::string& message) { deliver(unit, message); };
  run_pass(team_, p, options_);
}

std::string Execution::compute_unit(std::size_t unit, PassControl& control) {
  const Call& call = call_of(unit);
  const Variant& v = variant_of(call);
  const FilledBlock filled = fill(unit);
  nan_voxels_ += filled.nan_voxels;
  const AnySurvey survey = surveys_.empty() ? nullptr : surveys_[unit / layout_.blocks_per_call()];
  in_kernel(schema_.name, [&] {
    Context ctx = context(control);
    v.bound->run(v.state, survey, filled.block, ctx);
  });
  ByteWriter out;
  if (control.stop) return out.take();
  for (std::size_t o = 0; o < layout_.outputs.size(); ++o) {
    const OutputPort& port = layout_.outputs[o];
    for (std::size_t s = 0; s < call.outputs.size(); ++s) {
      const ErasedVolume& slice = filled.block.outputs[o].slices[s];
      if (is_labels(port))
        keep_labels(out, unit, o, s, static_cast<std::uint32_t*>(slice.data));
      else
        put_chunks(out, o, call.outputs[s], core_of(unit), slice.data, port.memory, port.info.dtype);
    }
  }
  return out.take();
}

void Execution::put_chunks(ByteWriter& out, std::size_t port, const Place& place, const Box3& core, const void* voxels,
                           DType memory, DType storage) {
  std::uint64_t clamped = 0;
  for (const ChunkPart& part : encode_core(layout_.outputs[port].info, core, voxels, memory, storage, clamped))
    out.put(PartKind::chunk).put(port).put(place).put(part.chunk).put(part.encoded.digest).put(part.encoded.bytes);
  clamped_voxels_ += clamped;
}

void Execution::keep_labels(ByteWriter& out, std::size_t unit, std::size_t port, std::size_t slice,
                            std::uint32_t* labels) {
  const Box3& core = core_of(unit);
  const std::span<std::uint32_t> voxels(labels, static_cast<std::size_t>(count(core.extent)));
  if (merges()) {
    out.put(PartKind::labels).put(port).put(slice);
    in_kernel(schema_.name, [&] { return decompose::describe_labels(core, layout_.grid.shape, voxels); }).encode(out);
  } else {
    seen_.at(port).add(unit / layout_.blocks_per_call() * slices_per_call() + slice, voxels);
  }
  spill_.put(spill_number(unit, port, slice), decompose::pack_labels(voxels));
}

void Execution::deliver(std::size_t unit, const std::string& message) {
  ByteReader in(message);
  while (!in.at_end()) {
    const auto kind = in.get<PartKind>();
    const auto port = in.get<std::size_t>();
    if (kind == PartKind::labels) {
      const auto slice = in.get<std::size_t>();
      described_[spill_number(unit, port, slice)] = decompose::BlockLabels::decode(in);
      continue;
    }
    const auto place = in.get<Place>();
    const auto chunk = in.get<Index3>();
    archive::EncodedChunk encoded;
    encoded.digest = in.get<Digest>();
    encoded.bytes = in.get_vector<std::uint8_t>();
    sink_.put(layout_.outputs[port].port, place.t, place.c, chunk, encoded);
  }
}

// Numbers the components of every volume: final labels of all blocks, then the largest label and the objects, by
// output.
std::string Execution::merge_components() {
  ByteWriter out;
  for (std::size_t o = 0; o < layout_.outputs.size(); ++o) {
    if (!is_labels(layout_.outputs[o])) continue;
    std::uint32_t largest = 0;
    std::uint64_t objects = 0;
    for (std::size_t call = 0; call < layout_.plan.calls.size(); ++call)
      for (std::size_t s = 0; s < slices_per_call(); ++s) {
        std::vector<decompose::BlockLabels> blocks;
        for (std::size_t b = 0; b < layout_.blocks_per_call(); ++b)
          blocks.push_back(std::move(described_.at(spill_number(call * layout_.blocks_per_call() + b, o, s))));
        const auto touching =
            static_cast<decompose::Touching>(variant_of(layout_.plan.calls[call]).bound->connectivity());
        const auto merged = decompose::merge_labels(*layout_.blocks, touching, blocks);
        for (const auto& labels : merged.of_block) out.put(labels);
        largest = std::max(largest, merged.count), objects += merged.count;
      }
    out.put(largest).put(objects);
  }
  described_.clear();
  return out.take();
}

// Takes this rank's part of what merge_components made.
void Execution::take_components(const std::string& bytes) {
  ByteReader in(bytes);
  for (std::size_t o = 0; o < layout_.outputs.size(); ++o) {
    if (!is_labels(layout_.outputs[o])) continue;
    for (std::size_t call = 0; call < layout_.plan.calls.size(); ++call)
      for (std::size_t s = 0; s < slices_per_call(); ++s)
        for (std::size_t b = 0; b < layout_.blocks_per_call(); ++b) {
          const std::size_t unit = call * layout_.blocks_per_call() + b;
          auto labels = in.get_vector<std::uint32_t>();
          if (unit % static_cast<std::size_t>(team_.size()) == static_cast<std::size_t>(team_.rank()))
            final_labels_[spill_number(unit, o, s)] = std::move(labels);
        }
    take_numbers(o, in);
  }
}

void Execution::take_numbers(std::size_t output, ByteReader& in) {
  storage_[output] = in.get<std::uint32_t>() <= 65535 ? DType::uint16 : DType::uint32;
  result_.objects[layout_.outputs[output].port] = in.get<std::uint64_t>();
}

// Labels that the kernel numbered itself: which occur, over all ranks.
void Execution::agree_on_labels() {
  for (auto& [o, seen] : seen_) {
    const auto all = team_.gather(seen.encode());
    std::string bytes;
    together(team_, [&, &labels = seen] {
      for (std::size_t rank = 1; rank < all.size(); ++rank) labels.merge(all[rank]);
      bytes = ByteWriter().put(labels.largest()).put(labels.objects()).take();
    });
    team_.broadcast(bytes);
    ByteReader in(bytes);
    take_numbers(o, in);
  }
}

void Execution::write_labels() {
  if (merges()) {
    std::string bytes;
    together(team_, [&] {
      if (team_.rank() == 0) bytes = merge_components();
    });
    team_.broadcast(bytes);
    together(team_, [&] { take_components(bytes); });
  } else {
    agree_on_labels();
  }
  together(team_, [&] {
    if (team_.rank() == 0)
      for (const auto& [o, storage] : storage_) sink_.open(layout_.outputs[o].port, layout_.outputs[o].info, storage);
  });
  Pass p = pass();
  p.work = [&](std::size_t unit, PassControl&) { return relabel_unit(unit); };
  p.deliver = [&](std::size_t unit, const std::string& message) { deliver(unit, message); };
  run_pass(team_, p, options_);
}

std::string Execution::relabel_unit(std::size_t unit) {
  const Box3& core = core_of(unit);
  const AlignedBuffer buffer(static_cast<std::size_t>(count(core.extent)) * sizeof(std::uint32_t));
  const std::span<std::uint32_t> labels(static_cast<std::uint32_t*>(buffer.data()),
                                        static_cast<std::size_t>(count(core.extent)));
  ByteWriter out;
  for (const auto& [o, storage] : storage_)
    for (std::size_t s = 0; s < slices_per_call(); ++s) {
      const std::size_t number = spill_number(unit, o, s);
      decompose::unpack_labels(spill_.get(number), labels);
      if (merges()) {
        const auto& final_labels = final_labels_.at(number);
        for (std::uint32_t& label : labels)
          if (label != 0) label = final_labels[label - 1];
      }
      put_chunks(out, o, call_of(unit).outputs[s], core, labels.data(), DType::uint32, storage);
    }
  return out.take();
}

void Execution::emit() {
  if (team_.rank() != 0) return;
  std::vector<SmallValues> emitted;
  for (std::size_t i = 0; i < layout_.plan.calls.size(); ++i) {
    const Call& call = layout_.plan.calls[i];
    const Variant& v = variant_of(call);
    emitted.push_back(in_kernel(
        schema_.name, [&] { return v.bound->emit(v.state, surveys_.empty() ? nullptr : surveys_[i], call.slice); }));
  }
  result_.small = join_outputs(schema_, layout_.plan, emitted);
}

void Execution::count_up() {
  const std::string mine = ByteWriter().put(nan_voxels_.load()).put(clamped_voxels_.load()).take();
  for (const std::string& bytes : team_.gather(mine)) {
    ByteReader in(bytes);
    result_.counters["nan_voxels"] += in.get<std::uint64_t>();
    result_.counters["clamped_voxels"] += in.get<std::uint64_t>();
  }
}
}  // namespace

Request Job::request() const {
  Request r;
  r.kernel = kernel.get();
  r.params = params;
  r.params_by_channel = params_by_channel;
  for (const auto& [port, source] : images) r.images[port] = source->info();
  r.small = small.values;
  r.channels = channels, r.timepoints = timepoints, r.blocks = blocks;
  return r;
}

JobResult execute(const Job& job, Team& team, const RunOptions& options, ImageSink& sink) {
  return Execution(job, team, options, sink).run();
}

}  // namespace voxflow::run
