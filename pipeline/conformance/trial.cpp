#include "pipeline/conformance/trial.hpp"

#include <atomic>

#include "pipeline/conformance/fork_team.hpp"
#include "pipeline/core/log.hpp"
#include "pipeline/run/block_buffers.hpp"
#include "pipeline/run/sources.hpp"
#include "pipeline/sdk/findings.hpp"

namespace voxflow::conformance {

namespace {
constexpr std::chrono::seconds kLimit{300};

std::vector<float> as_floats(const run::MemorySink::Image& image) {
  const std::size_t n = image.voxels.size() / size_bytes(image.info.dtype);
  return visit_dtype(image.info.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    const T* first = reinterpret_cast<const T*>(image.voxels.data());
    return std::vector<float>(first, first + n);
  });
}

std::string psf_digest(const std::vector<Psf>& psfs) {
  Sha256 sha;
  for (const Psf& p : psfs) sha.update(p.voxels.data(), p.voxels.size() * sizeof(float));
  return sha.finish().hex();
}

Outcome outcome_of(const SchemaInfo& schema, const run::JobResult& result, const run::MemorySink& sink) {
  Outcome outcome;
  outcome.estimate_bytes = result.memory_estimate_bytes;
  const auto add = [&](const std::string& port, const std::string& digest) {
    outcome.digests += port + " " + digest + "\n";
  };
  for (const auto& [port, info] : result.volumes) {
    const run::MemorySink::Image& image = sink.image(port);
    add(port, image.content_digest().hex());
    if (schema.output(port)->type.kind == PortKind::image) outcome.images[port] = as_floats(image);
  }
  for (const auto& [port, value] : result.small.tables) add(port, value.content_digest().hex());
  for (const auto& [port, value] : result.small.transforms) add(port, value.content_digest().hex());
  for (const auto& [port, value] : result.small.psfs) add(port, psf_digest(value));
  if (!result.small.findings.columns().empty()) add(kFindings, result.small.findings.content_digest().hex());
  return outcome;
}

std::string encode(const Outcome& outcome) {
  ByteWriter out;
  out.put(outcome.digests).put(outcome.estimate_bytes);
  for (const auto& [port, voxels] : outcome.images) out.put(port).put(voxels);
  return out.take();
}

Outcome decode(std::string_view bytes) {
  ByteReader in(bytes);
  Outcome outcome;
  outcome.digests = in.get_string();
  outcome.estimate_bytes = in.get<std::uint64_t>();
  while (!in.at_end()) {
    std::string port = in.get_string();
    outcome.images[std::move(port)] = in.get_vector<float>();
  }
  return outcome;
}
}  // namespace

run::Job make_job(const Trial& trial) {
  run::Job job;
  job.kernel = trial.kernel->kernel;
  job.params = trial.params;
  job.images = make_images(job.kernel->schema(), trial.specimen);
  job.small = make_small_inputs(job.kernel->schema());
  job.blocks = trial.blocks;
  return job;
}

run::Layout layout_of(const Trial& trial) {
  const run::Request request = make_job(trial).request();
  return run::plan_layout(request, run::bind_all(request));
}

Outcome run_on(const Trial& trial, run::Team& team) {
  const run::Job job = make_job(trial);
  run::RunOptions options;
  options.threads = trial.threads;
  run::MemorySink sink;
  const run::JobResult result = run::execute(job, team, options, sink);
  return team.rank() == 0 ? outcome_of(job.kernel->schema(), result, sink) : Outcome{};
}

Outcome run_trial(const Trial& trial) {
  const auto body = [&](run::Team& team) {
    log::set_level(log::Level::warning);
    return encode(run_on(trial, team));
  };
  const ForkResult forked = run_forked(trial.ranks, body, kLimit);
  Outcome outcome = decode(forked.bytes);
  outcome.grown_bytes = forked.grown_bytes;
  return outcome;
}

BlockOutcome run_one_block(const Trial& trial) {
  const ForkResult forked = run_forked(
      1,
      [&](run::Team&) {
        const run::Job job = make_job(trial);
        const run::Request request = job.request();
        const auto all_bound = run::bind_all(request);
        const BoundKernel& bound = *all_bound.front();
        const run::Layout layout = run::plan_layout(request, all_bound);
        const AnyState state = bound.prepare(layout.geometry);
        const Box3 core = layout.grid.box();
        const run::FilledBlock filled =
            run::fill_block(layout, job.images, bound, state, layout.first_call(), core, NanPolicy::propagates);
        const auto& inputs = filled.block.inputs;
        const Index3 extent = inputs.empty() ? core.extent : inputs.front().slices.front().box.extent;
        std::atomic<bool> stop{false};
        std::atomic<std::uint64_t> questions{0};
        Context context(trial.threads, &stop, &questions);
        const PeakMemory peak;
        const AnySurvey survey = bound.survey(state, filled.block, context);
        if (bound.has_run()) bound.run(state, survey, filled.block, context);
        return ByteWriter()
            .put(peak.grown_bytes())
            .put(std::uint64_t{bound.scratch_bytes(extent)})
            .put(questions.load())
            .take();
      },
      kLimit);
  ByteReader in(forked.bytes);
  BlockOutcome outcome;
  outcome.grown_bytes = in.get<std::uint64_t>();
  outcome.scratch_bytes = in.get<std::uint64_t>();
  outcome.questions = in.get<std::uint64_t>();
  return outcome;
}

}  // namespace voxflow::conformance
