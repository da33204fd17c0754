#include "pipeline/run/task_runner.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>

#include "pipeline/archive/image_file.hpp"
#include "pipeline/core/bytes.hpp"
#include "pipeline/core/clock.hpp"
#include "pipeline/core/version.hpp"
#include "pipeline/record/params.hpp"
#include "pipeline/run/agreement.hpp"
#include "pipeline/run/block_buffers.hpp"
#include "pipeline/run/execute.hpp"
#include "pipeline/run/sources.hpp"
#include "pipeline/sdk/findings.hpp"

namespace voxflow::run {

namespace {
namespace fs = std::filesystem;

// What a rank used while the task ran.
class Usage {
 public:
  Usage() : begin_(std::chrono::steady_clock::now()), cpu_begin_s_(cpu_s()) {
    // 5: resets the peak of the resident set (proc(5)); a warm worker has run other tasks before.
    std::ofstream("/proc/self/clear_refs") << 5;
  }
  double wall_s() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }
  double used_cpu_s() const { return cpu_s() - cpu_begin_s_; }
  static std::uint64_t peak_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
      if (std::uint64_t kb = 0; word == "VmHWM:" && status >> kb) return kb * 1024;
    return 0;
  }

 private:
  static double cpu_s() {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(u.ru_utime) + seconds(u.ru_stime);
  }
  std::chrono::steady_clock::time_point begin_;
  double cpu_begin_s_;
};

// The volumetric outputs of an artifact that is being built.
class FileSink final : public ImageSink {
 public:
  FileSink(const archive::ArtifactBuilder& builder, std::map<std::string, std::string> files)
      : builder_(builder), files_(std::move(files)) {}
  void open(const std::string& port, const record::ImageInfo& info, DType storage) override {
    writers_.try_emplace(port, builder_.begin_image(files_.at(port), info, storage));
  }
  void put(const std::string& port, int t, int c, const Index3& chunk, const archive::EncodedChunk& encoded) override {
    writers_.at(port).put(t, c, chunk, encoded);
  }
  archive::ImageWriter& writer(const std::string& port) { return writers_.at(port); }
  const std::string& file(const std::string& port) const { return files_.at(port); }

 private:
  const archive::ArtifactBuilder& builder_;
  std::map<std::string, std::string> files_;
  std::map<std::string, archive::ImageWriter> writers_;
};

// The only volumetric output is data.h5; of several, each is <port>.h5. A PSF is always <port>.h5.
std::map<std::string, std::string> image_files(const SchemaInfo& schema) {
  std::map<std::string, std::string> files;
  for (const PortInfo& p : schema.outputs)
    if (is_volumetric(p.type.kind)) files[p.name] = p.name + ".h5";
  if (files.size() == 1) files.begin()->second = "data.h5";
  return files;
}

class TaskRun {
 public:
  TaskRun(const record::Task& task, const archive::Archive& archive, const plugins::Registry& kernels, Team& team,
          const RunOptions& options)
      : task_(task), archive_(archive), kernels_(kernels), team_(team), options_(options) {}

  archive::PublishOutcome run() {
    if (published_already()) return archive::PublishOutcome::already_there;
    started_ = format_time(system_clock().now());
    together(team_, [&] { open(); });
    JobResult result = execute(job_, team_, options_, sink());
    job_.images.clear();  // what they keep in memory is needed for the outputs' smaller copies
    const std::vector<std::string> usages =
        team_.gather(ByteWriter().put(usage_.used_cpu_s()).put(Usage::peak_bytes()).take());
    together(team_, [&] {
      if (team_.rank() == 0) publish(result, usages);
    });
    return outcome_;
  }

 private:
  // Where ranks other than 0 would store; they never do.
  struct NoSink final : ImageSink {
    void open(const std::string&, const record::ImageInfo&, DType) override {}
    void put(const std::string&, int, int, const Index3&, const archive::EncodedChunk&) override {}
  };

  ImageSink& sink() {
    if (sink_) return *sink_;
    return no_sink_;
  }

  bool published_already() {
    std::string there;
    together(team_, [&] {
      if (team_.rank() == 0 && archive_.published(task_.artifact)) there = "1";
    });
    team_.broadcast(there);
    return !there.empty();
  }

  void open() {
    entry_ = &kernels_.find(task_.identity.kernel);
    const SchemaInfo& schema = entry_->kernel->schema();
    if (schema.version != task_.identity.version)
      throw UserError(fmt::format("the task wants kernel '{}' version {}, installed is version {}; plan again",
                                  schema.name, task_.identity.version, schema.version));
    job_.kernel = entry_->kernel;
    job_.params = record::parse_params(task_.identity.params);
    for (const auto& [channel, params] : task_.identity.params_by_channel)
      job_.params_by_channel[channel] = record::parse_params(params);
    job_.channels = task_.identity.channels, job_.timepoints = task_.identity.timepoints;
    job_.blocks = task_.identity.block_shape;
    job_.memory_bytes = task_.resources.memory_bytes / static_cast<std::uint64_t>(team_.size());
    for (const record::TaskInput& input : task_.inputs) open_input(input, schema);
    if (team_.rank() != 0) return;
    builder_ = std::make_unique<archive::ArtifactBuilder>(archive_, task_.artifact);
    sink_ = std::make_unique<FileSink>(*builder_, image_files(schema));
  }

  void open_input(const record::TaskInput& input, const SchemaInfo& schema) {
    const auto manifest = archive_.manifest(input.artifact);
    const record::Output* output = manifest ? manifest->output(input.output_port) : nullptr;
    if (output == nullptr)
      throw TaskError(
          ExitCode::user, "missing_input",
          fmt::format("input '{}': the archive has no output '{}' of artifact '{}'; {}", input.port, input.output_port,
                      input.artifact,
                      input.id.starts_with("sha256:") ? "import the image again" : "run the step that makes it"));
    if (input.id.starts_with("sha256:") && input.id != record::content_id(output->content_digest))
      throw TaskError(ExitCode::user, "missing_input",
                      fmt::format("input '{}': artifact '{}' has content {}, the task wants {}; plan again", input.port,
                                  input.artifact, record::content_id(output->content_digest), input.id));
    records_.push_back({input.port, input.id, output->content_digest, input.artifact, input.output_port});
    const PortInfo* port = schema.input(input.port);
    if (port == nullptr) throw UserError(fmt::format("kernel '{}' has no input '{}'", schema.name, input.port));
    const fs::path file = archive_.root() / input.artifact / output->file;
    with_context(fmt::format("input '{}'", input.port), [&] {
      if (is_volumetric(port->type.kind))
        job_.images[input.port] = std::make_shared<FileSource>(file);
      else
        read_small_input(input.port, port->type.kind, file, job_.small);
    });
  }

  void publish(const JobResult& result, const std::vector<std::string>& usages) {
    record::Manifest m = manifest();
    for (const PortInfo& p : entry_->kernel->schema().outputs) m.outputs.push_back(finish_output(p, result));
    if (!result.small.findings.columns().empty())
      builder_->write_file(std::string(kFindings) + ".tsv", result.small.findings.to_tsv());
    m.counters = result.counters;
    for (const std::string& bytes : usages) {
      ByteReader in(bytes);
      m.cpu_s += in.get<double>();
      m.max_rss_bytes = std::max(m.max_rss_bytes, in.get<std::uint64_t>());
    }
    m.wall_s = usage_.wall_s();
    m.published = format_time(system_clock().now());
    sink_.reset();
    outcome_ = builder_->publish(std::move(m));
  }

  record::Manifest manifest() const {
    record::Manifest m;
    m.kind = "result";
    m.project = task_.project;
    m.task_key = task_.key;
    m.identity = task_.identity.canonical();
    m.kernel = task_.identity.kernel;
    m.kernel_version = task_.identity.version;
    m.plugin_digest = entry_->digest;
    m.params = task_.identity.params;
    m.inputs = records_;
    m.workflow = task_.workflow, m.step = task_.step, m.run = task_.run, m.workflow_sha256 = task_.workflow_sha256;
    m.agent = options_.agent, m.host = options_.host, m.job = options_.job, m.attempt = task_.attempt;
    m.software = std::string("voxflow ") + kVersion;
    m.started = started_;
    m.ranks = team_.size(), m.threads = options_.threads;
    return m;
  }

  /// Smaller copies of a large result take a while: the team is seen to live.
  archive::FinishOptions finishing() const {
    archive::FinishOptions finish;
    finish.threads = static_cast<std::size_t>(options_.threads);
    if (options_.progress) finish.sign_of_life = [this] { options_.progress(1, 1); };
    return finish;
  }

  record::Output finish_output(const PortInfo& port, const JobResult& result) {
    record::Output out;
    out.port = port.name;
    out.kind = to_string(port.type.kind);
    if (const auto it = result.volumes.find(port.name); it != result.volumes.end()) {
      out.kind = to_string(it->second.kind);
      out.file = sink_->file(port.name);
      out.image = it->second;
      out.content_digest = sink_->writer(port.name).finish({task_.identity.canonical(), "", ""}, finishing());
      if (const auto n = result.objects.find(port.name); n != result.objects.end()) out.count = n->second;
    } else if (port.type.kind == PortKind::table) {
      const Table& table = result.small.tables.at(port.name);
      out.file = port.name + ".tsv", out.content_digest = table.content_digest(), out.count = table.rows();
      builder_->write_file(out.file, table.to_tsv());
    } else if (port.type.kind == PortKind::transform) {
      const TransformSet& set = result.small.transforms.at(port.name);
      out.file = port.name + ".json", out.content_digest = set.content_digest();
      builder_->write_file(out.file, set.to_json());
    } else {
      write_psf(result.small.psfs.at(port.name), result.small.channels, out);
    }
    return out;
  }

  void write_psf(const std::vector<Psf>& psfs, const std::vector<std::string>& names, record::Output& out) {
    record::ImageInfo info;
    info.kind = record::ImageKind::psf, info.dtype = DType::float32, info.grid = psfs.front().grid;
    for (std::size_t c = 0; c < psfs.size(); ++c)
      info.channels.push_back({names[c].empty() ? std::to_string(c) : names[c], std::nullopt, std::nullopt});
    out.file = out.port + ".h5";
    archive::ImageWriter writer = builder_->begin_image(out.file, info, DType::float32);
    std::uint64_t clamped = 0;
    for (std::size_t c = 0; c < psfs.size(); ++c)
      for (const ChunkPart& part :
           encode_core(info, info.grid.box(), psfs[c].voxels.data(), DType::float32, DType::float32, clamped))
        writer.put(0, static_cast<int>(c), part.chunk, part.encoded);
    out.content_digest = writer.finish({task_.identity.canonical(), "", ""});
    out.image = info;
  }

  const record::Task& task_;
  const archive::Archive& archive_;
  const plugins::Registry& kernels_;
  Team& team_;
  const RunOptions& options_;
  Usage usage_;
  std::string started_;
  const plugins::Entry* entry_ = nullptr;
  Job job_;
  std::vector<record::InputRecord> records_;
  std::unique_ptr<archive::ArtifactBuilder> builder_;
  std::unique_ptr<FileSink> sink_;  // closes its files before the builder removes them
  NoSink no_sink_;
  archive::PublishOutcome outcome_ = archive::PublishOutcome::published;
};
}  // namespace

archive::PublishOutcome run_task(const record::Task& task, const archive::Archive& archive,
                                 const plugins::Registry& kernels, Team& team, const RunOptions& options) {
  return with_context(fmt::format("step '{}', image '{}'", task.step, task.image),
                      [&] { return TaskRun(task, archive, kernels, team, options).run(); });
}

}  // namespace voxflow::run
