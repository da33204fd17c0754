// The passes of one job; private to this room.
#pragma once
#include <algorithm>
#include <atomic>

#include "pipeline/core/bytes.hpp"
#include "pipeline/decompose/block_grid.hpp"
#include "pipeline/decompose/components.hpp"
#include "pipeline/run/agreement.hpp"
#include "pipeline/run/block_buffers.hpp"
#include "pipeline/run/execute.hpp"
#include "pipeline/run/label_store.hpp"
#include "pipeline/run/pass.hpp"

namespace voxflow::run {

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
  std::string channel_name(const Call& call) const;
  const Variant& variant_of(const Call& call) const;
  std::size_t units() const { return layout_.units(); }
  const Call& call_of(std::size_t unit) const { return layout_.plan.calls[unit / layout_.blocks_per_call()]; }
  std::size_t block_of(std::size_t unit) const { return unit % layout_.blocks_per_call(); }
  const Box3& core_of(std::size_t unit) const { return layout_.blocks->cores()[block_of(unit)]; }
  std::string where(std::size_t unit) const;
  Pass pass() const;
  // A survey is of one block of a call, or of one group of slices of the one call.
  Pass survey_pass() const;
  FilledBlock fill_survey(std::size_t unit) const;
  Context context(PassControl& control) const { return {threads_of_a_unit(), &control.stop, &control.pulse}; }
  // A rank with fewer units than threads has threads left for each of them.
  int threads_of_a_unit() const {
    if (layout_.whole_volume) return std::max(1, options_.threads);
    if (units() >= static_cast<std::size_t>(std::max(1, options_.threads) * team_.size())) return 1;
    const auto mine = static_cast<int>(decompose::dealt(units(), team_.rank(), team_.size()).size());
    return std::max(1, options_.threads / std::max(1, mine));
  }
  FilledBlock fill(const Variant& variant, const Call& seen, const Box3& core) const;

  void survey();
  void merge_surveys(std::size_t call, std::size_t part, AnySurvey survey);
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
  std::vector<std::map<std::size_t, AnySurvey>> early_;  // rank 0: surveys that wait for earlier ones
  std::vector<std::size_t> next_part_;                   // rank 0: of each call, the block or group to be merged
  SpillFile spill_;
  std::map<std::size_t, LabelsSeen> seen_;                          // by output
  std::map<std::size_t, decompose::BlockLabels> described_;         // rank 0: by spill number
  std::map<std::size_t, std::vector<std::uint32_t>> final_labels_;  // of this rank's blocks, by spill number
  std::map<std::size_t, DType> storage_;                            // of label outputs
  std::atomic<std::uint64_t> nan_voxels_{0}, clamped_voxels_{0};
};

}  // namespace voxflow::run
