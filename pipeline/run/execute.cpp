#include "pipeline/run/execute.hpp"

#include <fmt/format.h>

#include "pipeline/core/log.hpp"
#include "pipeline/core/units.hpp"
#include "pipeline/run/agreement.hpp"
#include "pipeline/run/execution.hpp"

namespace voxflow::run {

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
      geometry.small = job_.small.for_channel(channel, channel_name(call));
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
            "one rank of kernel '{}' needs {} (threads at work: {}) and is given {}; give the step more memory, "
            "fewer ranks or fewer threads",
            schema_.name, format_bytes(result_.memory_estimate_bytes), options_.threads,
            format_bytes(job_.memory_bytes)));
}

std::string Execution::channel_name(const Call& call) const {
  for (const InputPort& in : layout_.inputs)
    if (in.port == layout_.plan.c.leading && call.slice.c >= 0)
      return in.info.channels[static_cast<std::size_t>(call.slice.c)].name;
  return "";
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

Pass Execution::survey_pass() const {
  Pass p = pass();
  if (layout_.groups.empty()) return p;
  p.where = [this](std::size_t unit) {
    std::string text;
    for (const Place& place : layout_.groups[unit].inputs.at(layout_.inputs.front().port))
      text += fmt::format("{}timepoint {}, channel {}", text.empty() ? "" : " and ", place.t, place.c);
    return text;
  };
  return p;
}

FilledBlock Execution::fill(const Variant& variant, const Call& seen, const Box3& core) const {
  return fill_block(layout_, job_.images, *variant.bound, variant.state, seen, core,
                    schema_.nan_policy.value_or(NanPolicy::propagates));
}

FilledBlock Execution::fill_survey(std::size_t unit) const {
  if (layout_.groups.empty()) return fill(variant_of(call_of(unit)), call_of(unit), core_of(unit));
  return fill(variants_.front(), layout_.groups[unit], layout_.grid.box());
}

void Execution::survey() {
  const std::size_t calls = layout_.plan.calls.size();
  const std::size_t parts = layout_.groups.empty() ? layout_.blocks_per_call() : layout_.groups.size();
  surveys_.resize(calls), early_.resize(calls), next_part_.resize(calls);
  Pass p = survey_pass();
  p.work = [&](std::size_t unit, PassControl& control) {
    const FilledBlock filled = fill_survey(unit);
    if (!bound_.front()->has_run()) nan_voxels_ += filled.nan_voxels;
    const Variant& v = variant_of(layout_.plan.calls[unit / parts]);
    return in_kernel(schema_.name, [&] {
      Context ctx = context(control);
      return v.bound->encode(v.bound->survey(v.state, filled.block, ctx));
    });
  };
  p.deliver = [&](std::size_t unit, const std::string& bytes) {
    const BoundKernel& bound = *variant_of(layout_.plan.calls[unit / parts]).bound;
    merge_surveys(unit / parts, unit % parts, in_kernel(schema_.name, [&] { return bound.decode(bytes); }));
  };
  run_pass(team_, p, options_);
  share_surveys();
}

// Surveys are merged in the order of blocks or groups, whatever order they come in, so that sums come out the same for
// any ranks.
void Execution::merge_surveys(std::size_t call, std::size_t part, AnySurvey survey) {
  early_[call][part] = std::move(survey);
  const BoundKernel& bound = *variant_of(layout_.plan.calls[call]).bound;
  for (auto it = early_[call].begin(); it != early_[call].end() && it->first == next_part_[call];
       it = early_[call].begin()) {
    if (surveys_[call])
      in_kernel(schema_.name, [&] { bound.merge(surveys_[call], it->second); });
    else
      surveys_[call] = it->second;
    ++next_part_[call];
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
  const FilledBlock filled = fill(v, call, core_of(unit));
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
  for (const Call& call : layout_.plan.calls) result_.small.channels.push_back(channel_name(call));
}

void Execution::count_up() {
  const std::string mine = ByteWriter().put(nan_voxels_.load()).put(clamped_voxels_.load()).take();
  for (const std::string& bytes : team_.gather(mine)) {
    ByteReader in(bytes);
    result_.counters["nan_voxels"] += in.get<std::uint64_t>();
    result_.counters["clamped_voxels"] += in.get<std::uint64_t>();
  }
}
Request Job::request() const {
  Request r;
  r.kernel = kernel.get();
  r.params = params;
  r.params_by_channel = params_by_channel;
  for (const auto& [port, source] : images) r.images[port] = source->info();
  r.small = small.values;
  for (const auto& [port, value] : small.values) r.connected.insert(port);
  r.channels = channels, r.timepoints = timepoints, r.blocks = blocks;
  return r;
}

JobResult execute(const Job& job, Team& team, const RunOptions& options, ImageSink& sink) {
  return Execution(job, team, options, sink).run();
}

}  // namespace voxflow::run
