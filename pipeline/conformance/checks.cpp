#include "pipeline/conformance/checks.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cmath>

#include "pipeline/conformance/fork_team.hpp"
#include "pipeline/conformance/trial.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/core/units.hpp"
#include "pipeline/run/agreement.hpp"
#include "pipeline/run/sources.hpp"

namespace voxflow::conformance {

namespace {
constexpr Spacing3 kSpacing{{{0.2}, {0.2}, {0.2}}};
// Cut into four blocks a volume, of which two are narrow.
constexpr Index3 kBlocksShape{24, 84, 96};

const SchemaInfo& schema_of(const Subject& s) {
  return s.entry.kernel->schema();
}

Trial trial_of(const Subject& s, const Index3& shape) {
  Trial t;
  t.kernel = &s.entry;
  t.params = s.params;
  t.specimen.grid = {shape, kSpacing};
  t.specimen.timepoints = schema_of(s).all_t ? 3 : 1;
  t.specimen.channels = 2;
  return t;
}

// As small as blocks can be.
Trial with_small_blocks(Trial t) {
  t.blocks = layout_of(t).chunk;
  return t;
}

Trial as_one_block(Trial t) {
  t.blocks = layout_of(t).grid.shape;
  return t;
}

bool is_whole_volume(const Subject& s) {
  return schema_of(s).blockwise == Blockwise::volume;
}

std::string first_difference(const std::string& a, const std::string& b) {
  const auto lines_a = split(a, '\n'), lines_b = split(b, '\n');
  for (std::size_t i = 0; i < std::min(lines_a.size(), lines_b.size()); ++i)
    if (lines_a[i] != lines_b[i]) return fmt::format("output '{}'", lines_a[i].substr(0, lines_a[i].find(' ')));
  return "the outputs";
}

std::string check_declaration(const Subject& s) {
  std::vector<std::string> problems = schema_of(s).defects();
  const auto look_at = [&](const std::vector<PortInfo>& ports, std::string_view what) {
    for (const PortInfo& p : ports)
      if (p.doc.empty()) problems.push_back(fmt::format("{} '{}' has no sentence", what, p.name));
  };
  look_at(schema_of(s).inputs, "input");
  look_at(schema_of(s).outputs, "output");
  return join(problems, "; ");
}

std::string check_repeatable(const Subject& s) {
  const Trial trial = with_small_blocks(trial_of(s, kBlocksShape));
  const std::string first = run_trial(trial).digests, second = run_trial(trial).digests;
  return first == second ? "" : fmt::format("two runs on the same input differ in {}", first_difference(first, second));
}

std::string check_ranks(const Subject& s) {
  Trial trial = with_small_blocks(trial_of(s, kBlocksShape));
  const std::string expected = run_trial(trial).digests;
  for (const int ranks : {1, 2, 3, 7})
    for (const int threads : {1, 2}) {
      trial.ranks = ranks, trial.threads = threads;
      if (const std::string digests = run_trial(trial).digests; digests != expected)
        return fmt::format("with {} ranks of {} threads {} differs from that of one", ranks, threads,
                           first_difference(expected, digests));
    }
  return "";
}

// What differs between blocks and whole beyond the declared tolerance.
std::string compare_with_tolerance(const Outcome& whole, const Outcome& blocks, double tolerance) {
  for (const auto& [port, expected] : whole.images) {
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
      worst = std::max(worst, std::abs(static_cast<double>(expected[i]) - blocks.images.at(port)[i]));
    }
    if (!(worst <= tolerance * largest))
      return fmt::format("output '{}' differs by {} of its largest voxel, declared are {}", port,
                         format_number(worst / largest), format_number(tolerance));
  }
  return "";
}

std::string compare_blocks(const Subject& s, const Index3& shape) {
  const Trial trial = trial_of(s, shape);
  if (is_whole_volume(s)) {
    run_trial(trial);
    return "";
  }
  const Outcome whole = run_trial(as_one_block(trial)), blocks = run_trial(with_small_blocks(trial));
  std::string problem;
  if (schema_of(s).blockwise == Blockwise::within)
    problem = compare_with_tolerance(whole, blocks, schema_of(s).tolerance);
  else if (whole.digests != blocks.digests)
    problem = fmt::format("blocks and whole differ in {}", first_difference(whole.digests, blocks.digests));
  return problem.empty() ? "" : fmt::format("{} voxels: {}", fmt::join(shape, " x "), problem);
}

template <class Compare>
std::string compare_each(const Subject& s, const std::vector<Index3>& shapes, const Compare& compare) {
  for (const Index3& shape : shapes)
    if (std::string problem =
            with_context(fmt::format("{} voxels", fmt::join(shape, " x ")), [&] { return compare(s, shape); });
        !problem.empty())
      return problem;
  return "";
}

std::string check_blocks(const Subject& s) {
  return compare_each(s, {kBlocksShape, {140, 21, 75}, {1, 600, 30}}, compare_blocks);
}

bool puts_out_voxels(const Subject& s) {
  const auto& outputs = schema_of(s).outputs;
  return std::any_of(outputs.begin(), outputs.end(), [](const PortInfo& p) { return is_volumetric(p.type.kind); });
}

// A kernel that only measures may refuse a volume in which there is nothing to measure, for a reason that is the
// user's.
std::string compare_or_be_refused(const Subject& s, const Index3& shape) {
  try {
    return compare_blocks(s, shape);
  } catch (const Error& e) {
    if (puts_out_voxels(s) || e.code() != ExitCode::user) throw;
    return "";
  }
}

// Sizes around the halo, and one voxel more than whole blocks.
std::string check_sizes(const Subject& s) {
  const Halo halo = layout_of(trial_of(s, {64, 64, 64})).halo;
  std::vector<Index3> shapes{{1, 1, 1}, {129, 6, 7}, {6, 129, 7}, {6, 7, 129}, {1, 40, 65}};
  for (const Index more : {-1, 0, 1}) {
    Index3 shape;
    for (std::size_t i = 0; i < 3; ++i) shape[i] = std::max<Index>(1, std::max(halo.low[i], halo.high[i]) + more);
    shapes.push_back(shape);
  }
  return compare_each(s, shapes, compare_or_be_refused);
}

std::string check_memory(const Subject& s) {
  // What the allocator keeps and stacks take, beyond what a kernel can count.
  constexpr std::uint64_t kSlack_bytes = 1'000'000;
  // The sanitizer's own memory cannot be told from the kernel's.
  if (build_stamp().sanitized != 0) return "";
  const Trial trial = trial_of(s, {48, 128, 128});
  const BlockOutcome block = run_one_block(trial);
  if (block.grown_bytes > block.scratch_bytes + kSlack_bytes)
    return fmt::format("one block took {} beyond its ports' buffers, scratch_bytes said {}",
                       format_bytes(block.grown_bytes), format_bytes(block.scratch_bytes));
  const Outcome task = run_trial(trial);
  return task.grown_bytes <= task.estimate_bytes
             ? ""
             : fmt::format("the task took {}, {} were estimated", format_bytes(task.grown_bytes),
                           format_bytes(task.estimate_bytes));
}

// Counts what is read, and cancels the task at a given read.
class WatchedSource final : public run::ImageSource {
 public:
  struct Watch {
    std::atomic<std::uint64_t> reads{0};
    std::uint64_t cancel_at = 0;  // 0: never
    std::atomic<bool> cancel{false};
  };
  WatchedSource(std::shared_ptr<const run::ImageSource> source, Watch& watch)
      : source_(std::move(source)), watch_(watch) {}
  const record::ImageInfo& info() const override { return source_->info(); }
  void read(int t, int c, const Box3& box, void* to, const Index3& stride) const override {
    if (++watch_.reads == watch_.cancel_at) watch_.cancel = true;
    source_->read(t, c, box, to, stride);
  }

 private:
  std::shared_ptr<const run::ImageSource> source_;
  Watch& watch_;
};

// Reads until the task ended, and whether it was cancelled.
std::pair<std::uint64_t, bool> reads_when_cancelled(const Trial& trial, std::uint64_t cancel_at) {
  const ForkResult forked = run_forked(
      1,
      [&](run::Team& team) {
        log::set_level(log::Level::off);
        WatchedSource::Watch watch;
        watch.cancel_at = cancel_at;
        run::Job job = make_job(trial);
        for (auto& [port, source] : job.images) source = std::make_shared<WatchedSource>(source, watch);
        run::RunOptions options;
        options.cancel = &watch.cancel;
        run::MemorySink sink;
        bool cancelled = false;
        try {
          run::execute(job, team, options, sink);
        } catch (const run::TaskError& e) {
          if (e.failure_class() != "cancelled") throw;
          cancelled = true;
        }
        return ByteWriter().put(watch.reads.load()).put(cancelled).take();
      },
      std::chrono::seconds(300));
  ByteReader in(forked.bytes);
  const auto reads = in.get<std::uint64_t>();
  return {reads, in.get<bool>()};
}

std::string check_cancel(const Subject& s) {
  const auto bound = s.entry.kernel->bind(s.params);
  if (!bound->has_run() && !bound->has_survey()) return "";  // reads nothing
  const Trial trial = with_small_blocks(trial_of(s, kBlocksShape));
  const run::Layout layout = layout_of(trial);
  const std::uint64_t questions = run_one_block(trial).questions;
  const auto planes = static_cast<std::uint64_t>(layout.grid.shape[kZ]);
  if (questions < (is_whole_volume(s) ? planes : 1))
    return fmt::format("asked {} times in {} planes whether to stop; ask Context::cancelled() in each", questions,
                       planes);
  const auto [all_reads, unused] = reads_when_cancelled(trial, 0);
  const std::uint64_t blocks = layout.plan.calls.size() * layout.blocks_per_call();
  if (all_reads == 0 || blocks < 2) return "";
  const auto [reads, cancelled] = reads_when_cancelled(trial, all_reads / 2);
  if (!cancelled) return "a cancelled task went on to its end";
  const std::uint64_t reads_a_block = all_reads / blocks + 1;
  return reads <= all_reads / 2 + reads_a_block
             ? ""
             : fmt::format("{} more reads followed when it was cancelled; a block takes {}", reads - all_reads / 2,
                           reads_a_block);
}

bool has_nan(const std::vector<float>& voxels) {
  return std::any_of(voxels.begin(), voxels.end(), [](float v) { return std::isnan(v); });
}

// NaN, or another value than without it, further away from `centre` than the halo reaches.
bool spreads_too_far(const Trial& trial, const Index3& centre, const std::vector<float>& clean,
                     const std::vector<float>& touched) {
  const Halo halo = layout_of(trial).halo;
  const Index3& shape = trial.specimen.grid.shape;
  for (std::size_t i = 0; i < clean.size(); ++i) {
    if (clean[i] == touched[i]) continue;
    const Index voxel = static_cast<Index>(i) % count(shape);
    const Index3 at{voxel / (shape[kY] * shape[kX]), voxel / shape[kX] % shape[kY], voxel % shape[kX]};
    for (std::size_t axis = 0; axis < 3; ++axis)
      // A voxel sees `low` voxels before it: it is changed by one that lies `low` before.
      if (at[axis] - centre[axis] > halo.low[axis] || centre[axis] - at[axis] > halo.high[axis]) return true;
  }
  return false;
}

std::string check_nan(const Subject& s) {
  const SchemaInfo& schema = schema_of(s);
  if (!schema.nan_policy) return "";
  const Index3 centre{9, 11, 13};
  Trial trial = trial_of(s, {20, 24, 28});
  const Outcome clean = run_trial(trial);
  trial.specimen.nan_voxel = centre;
  if (schema.nan_policy == NanPolicy::refused) {
    try {
      run_trial(trial);
    } catch (const Error& e) {
      return e.code() == ExitCode::user ? ""
                                        : fmt::format("a NaN voxel gives an error that is no UserError: {}", e.what());
    }
    return "declares that NaN is an error and accepts it";
  }
  const Outcome touched = run_trial(trial);
  const bool local = schema.blockwise != Blockwise::volume && !s.entry.kernel->bind(s.params)->has_survey() &&
                     !s.entry.kernel->bind(s.params)->has_footprint() && !schema.all_t && !schema.all_c;
  for (const auto& [port, voxels] : touched.images) {
    const bool there = has_nan(voxels);
    if (schema.nan_policy == NanPolicy::ignored && there)
      return fmt::format("declares that NaN is left out; output '{}' has NaN", port);
    if (schema.nan_policy == NanPolicy::propagates && !there)
      return fmt::format("declares that NaN spreads; output '{}' has none", port);
    if (local && clean.images.at(port).size() == voxels.size() &&
        spreads_too_far(trial, centre, clean.images.at(port), voxels))
      return fmt::format("a NaN voxel changes output '{}' beyond the kernel's halo", port);
  }
  return "";
}
}  // namespace

const std::vector<Check>& all_checks() {
  static const std::vector<Check> checks{{"declaration", check_declaration},
                                         {"repeatable", check_repeatable},
                                         {"ranks", check_ranks},
                                         {"blocks", check_blocks},
                                         {"sizes", check_sizes},
                                         {"memory", check_memory},
                                         {"cancel", check_cancel},
                                         {"nan", check_nan}};
  return checks;
}

}  // namespace voxflow::conformance
