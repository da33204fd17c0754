#include "pipeline/engine/plan.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"
#include "pipeline/engine/reasons.hpp"
#include "pipeline/engine/references.hpp"
#include "pipeline/engine/step_params.hpp"
#include "pipeline/record/params.hpp"

namespace voxflow::engine {

namespace {
using catalog::Entity;
using record::ImageInfo;
using workflow::Step;
using workflow::StepInput;
constexpr std::size_t kShownProblems = 10;

/// What one input of a step turns out to be.
struct Source {
  record::TaskInput input;
  const ImageInfo* image = nullptr;  // of volumetric ones
  const Entity* origin = nullptr;    // the image that it comes from
  bool selected = false;             // that image is the selected one, not a reference
  std::optional<std::size_t> task;
};

/// A task of the plan with what its dependants must know.
struct Made {
  std::map<std::string, ImageInfo> outputs;
  const Entity* origin = nullptr;
  bool selected = false;
};

std::string_view port_kind(catalog::EntityKind k) {
  return k == catalog::EntityKind::acquisition || k == catalog::EntityKind::result ? "image" : to_string(k);
}

ImageInfo narrowed(ImageInfo info, const StepOnImages& s) {
  if (!s.channels.empty()) {
    std::vector<record::Channel> kept;
    for (const int c : s.channels) kept.push_back(info.channels[static_cast<std::size_t>(c)]);
    info.channels = std::move(kept);
  }
  if (!s.timepoints.empty()) info.timepoints = static_cast<int>(s.timepoints.size());
  return info;
}

std::map<std::string, ImageInfo> like_first_input(const StepOnImages& s) {
  std::map<std::string, ImageInfo> outputs;
  if (s.first_input.empty()) return outputs;
  const ImageInfo first = narrowed(s.images.at(s.first_input), s);
  for (const PortInfo& o : s.kernel.schema().outputs) {
    if (!is_volumetric(o.type.kind)) continue;
    const auto like = s.images.find(o.type.same_as);
    ImageInfo info = like == s.images.end() || like->first == s.first_input ? first : like->second;
    if (o.type.kind == PortKind::labels) info.kind = record::ImageKind::labels;
    if (o.type.kind == PortKind::mask) info.kind = record::ImageKind::mask;
    if (o.type.dtype) info.dtype = *o.type.dtype;
    outputs[o.name] = info;
  }
  return outputs;
}

/// Indices as they stand in an identity: empty when they are all there are, in order.
std::vector<int> unless_all(std::vector<int> indices, int count) {
  bool all = static_cast<int>(indices.size()) == count;
  for (int i = 0; all && i < count; ++i) all = indices[static_cast<std::size_t>(i)] == i;
  return all ? std::vector<int>{} : indices;
}

std::vector<int> channel_indices(const Step& step, const ImageInfo& info) {
  std::vector<int> indices;
  std::vector<std::string> names;
  for (const record::Channel& c : info.channels) names.push_back(c.name);
  for (const std::string& wanted : step.channels) {
    const auto it = std::find(names.begin(), names.end(), wanted);
    if (it == names.end())
      throw UserError(fmt::format("there is no channel '{}' in the image, whose channels are {}{}", wanted,
                                  join(names, ", "), did_you_mean(wanted, names)));
    indices.push_back(static_cast<int>(it - names.begin()));
  }
  return unless_all(std::move(indices), info.channel_count());
}

void check_timepoints(const Step& step, const ImageInfo& info) {
  for (const int t : step.timepoints)
    if (t >= info.timepoints)
      throw UserError(fmt::format("there is no timepoint {} in the image, allowed 0 to {}", t, info.timepoints - 1));
}

class Planner {
 public:
  Planner(const workflow::Workflow& workflow, catalog::CatalogClient& catalog, const plugins::Registry& kernels,
          const PlanOptions& options)
      : workflow_(workflow), catalog_(catalog), kernels_(kernels), options_(options) {}

  record::Plan make() {
    plan_.run = options_.run;
    plan_.workflow = workflow_.name;
    plan_.workflow_sha256 = workflow_.sha256.hex();
    plan_.workflow_file = options_.workflow_file;
    plan_.archive = options_.archive;
    plan_.created = options_.created;
    plan_.agent = options_.agent;
    check_requests();
    const auto images = select_images(catalog_, workflow_, workflow_.select, workflow_.select_mark);
    const References references(catalog_, workflow_);
    plan_.images = images.size();
    if (images.empty()) plan_.notes.push_back(fmt::format("no image fits the query: {}", trim(workflow_.select.text)));
    for (const Entity& image : images) instantiate(image, references);
    report_problems();
    keep_what_is_needed();
    find_reasons(plan_, sources_, workflow_, catalog_, kernels_);
    return std::move(plan_);
  }

 private:
  void check_requests() {
    for (const Step& step : workflow_.steps) {
      const auto& r = step.resources;
      if (options_.memory_limit_bytes > 0 && r.memory_bytes > options_.memory_limit_bytes)
        problems_.push_back(fmt::format("step '{}' requests {} of memory, allowed {}; change its 'resources'",
                                        step.name, format_bytes(r.memory_bytes),
                                        format_bytes(options_.memory_limit_bytes)));
      if (options_.cores > 0 && r.ranks * r.threads > options_.cores)
        plan_.notes.push_back(
            fmt::format("step '{}' requests {} cores ({} ranks of {} threads) and a job has {}: they share "
                        "them, the result is the same",
                        step.name, r.ranks * r.threads, r.ranks, r.threads, options_.cores));
    }
  }

  void instantiate(const Entity& image, const References& references) {
    std::map<std::string, const Entity*> chosen;
    for (const auto& [name, reference] : workflow_.references) {
      const auto choice = references.choose(name, image);
      if (choice.image == nullptr) {
        const std::string text = fmt::format("image '{}': {}", image.name, choice.why_none);
        if (reference.if_none == workflow::IfNone::skip)
          plan_.notes.push_back(text + "; it is left out");
        else
          problems_.push_back(text + "; annotate one that fits, or write if_none: skip");
        return;
      }
      chosen[name] = choice.image;
    }
    of_step_.clear();
    for (const Step& step : workflow_.steps) {
      const bool ready = std::all_of(step.inputs.begin(), step.inputs.end(), [&](const StepInput& i) {
        return i.from != StepInput::From::step || of_step_.contains(i.name);
      });
      if (!ready) continue;
      try {
        of_step_[step.name] = task_of(step, image, chosen);
      } catch (UserError& e) {
        e.add_context(fmt::format("image '{}': step '{}'", image.name, step.name));
        problems_.push_back(e.what());
      }
    }
  }

  Source source_of(const StepInput& in, const SchemaInfo& schema, const Entity& image,
                   const std::map<std::string, const Entity*>& chosen) const {
    Source s;
    s.input.port = in.port;
    if (in.from == StepInput::From::step) {
      s.task = of_step_.at(in.name);
      const record::Task& from = plan_.tasks[*s.task].task;
      const Made& made = made_[*s.task];
      s.input.id = record::task_id(from.key, in.output_port);
      s.input.artifact = from.artifact;
      s.input.output_port = in.output_port;
      if (const auto it = made.outputs.find(in.output_port); it != made.outputs.end()) s.image = &it->second;
      s.origin = made.origin;
      s.selected = made.selected;
      return s;
    }
    s.selected = in.from == StepInput::From::image;
    s.origin = s.selected ? &image : chosen.at(in.name);
    const std::string_view wanted = to_string(schema.input(in.port)->type.kind);
    if (port_kind(s.origin->kind) != wanted)
      throw UserError(fmt::format("input '{}' is of kind {}, but '{}' is of kind {}; narrow the query with kind = …",
                                  in.port, wanted, s.origin->name, to_string(s.origin->kind)));
    s.input.id = s.origin->id;
    s.input.artifact = s.origin->artifact;
    s.input.output_port = s.origin->port.empty() ? "image" : s.origin->port;
    if (s.origin->image) s.image = &*s.origin->image;
    return s;
  }

  std::size_t task_of(const Step& step, const Entity& image, const std::map<std::string, const Entity*>& chosen) {
    const AnyKernel& kernel = *kernels_.find(step.kernel).kernel;
    const SchemaInfo& schema = kernel.schema();
    std::vector<Source> sources;
    for (const StepInput& in : step.inputs) sources.push_back(source_of(in, schema, image, chosen));

    const Source* origin = sources.empty() ? nullptr : &sources.front();
    for (const Source& s : sources)
      if (s.selected && !origin->selected) origin = &s;
    StepOnImages on = on_images(step, kernel, sources);
    set_params(step, origin == nullptr ? image : *origin->origin, on);
    record::Task task;
    task.identity = identity_of(on, sources);
    task.key = task.identity.key();
    if (const auto known = by_key_.find(task.key); known != by_key_.end()) return known->second;

    if (options_.work_units)
      on.ranks = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(on.ranks), options_.work_units(on)));
    check_memory(step, on);
    Made made{options_.predict_output ? options_.predict_output(on) : like_first_input(on),
              origin == nullptr ? &image : origin->origin, origin == nullptr || origin->selected};
    return add(std::move(task), step, on.ranks, sources, std::move(made));
  }

  static StepOnImages on_images(const Step& step, const AnyKernel& kernel, const std::vector<Source>& sources) {
    StepOnImages on{kernel, {}, {}, {}, "", {}, {}, step.blocks, step.resources.ranks, step.resources.threads,
                    {}};
    for (const PortInfo& port : kernel.schema().inputs)
      for (const Source& s : sources) {
        if (s.input.port != port.name) continue;
        if (!is_volumetric(port.type.kind)) on.small_inputs.insert(port.name);
        if (s.image == nullptr || !is_volumetric(port.type.kind)) continue;
        on.images[port.name] = *s.image;
        if (on.first_input.empty()) on.first_input = port.name;
      }
    if (on.first_input.empty()) return on;
    const ImageInfo& first = on.images[on.first_input];
    on.channels = channel_indices(step, first);
    check_timepoints(step, first);
    on.timepoints = unless_all(step.timepoints, first.timepoints);
    return on;
  }

  static void set_params(const Step& step, const Entity& image, StepOnImages& on) {
    const std::vector<record::Channel> channels =
        on.first_input.empty() ? std::vector<record::Channel>{} : on.images[on.first_input].channels;
    std::vector<int> used = on.channels;
    if (used.empty())
      for (int c = 0; c < static_cast<int>(channels.size()); ++c) used.push_back(c);
    StepParams params = step_params(step, on.kernel.schema(), image, channels, used);
    on.params = std::move(params.all);
    on.params_by_channel = std::move(params.by_channel);
  }

  record::TaskIdentity identity_of(const StepOnImages& on, const std::vector<Source>& sources) const {
    record::TaskIdentity id;
    id.kernel = on.kernel.schema().name;
    id.version = on.kernel.schema().version;
    id.params = record::canonical_params(on.params);
    for (const auto& [c, values] : on.params_by_channel) id.params_by_channel[c] = record::canonical_params(values);
    for (const Source& s : sources) id.inputs[s.input.port] = s.input.id;
    id.channels = on.channels;
    id.timepoints = on.timepoints;
    id.block_shape = options_.block_shape ? options_.block_shape(on) : on.blocks;
    return id;
  }

  void check_memory(const Step& step, const StepOnImages& on) const {
    if (!options_.memory_estimate) return;
    const std::uint64_t needed = options_.memory_estimate(on);
    if (needed <= step.resources.memory_bytes) return;
    constexpr std::uint64_t kGigabyte = 1'000'000'000;
    throw UserError(
        fmt::format("a block on each of {} rank{} needs {} of memory, the step requests {}; write resources: {{ {}: "
                    "{{ memory: {} GB }} }}, or fewer ranks",
                    on.ranks, on.ranks == 1 ? "" : "s", format_bytes(needed), format_bytes(step.resources.memory_bytes),
                    step.name, (needed + kGigabyte - 1) / kGigabyte));
  }

  std::size_t add(record::Task task, const Step& step, int ranks, const std::vector<Source>& sources, Made made) {
    task.project = workflow_.project.empty() ? made.origin->project : workflow_.project;
    task.workflow = workflow_.name;
    task.workflow_sha256 = plan_.workflow_sha256;
    task.step = step.name;
    task.run = plan_.run;
    task.image = made.origin->name;
    task.artifact = record::result_folder(task.project, task.key);
    task.resources = {ranks, step.resources.threads, step.resources.memory_bytes, step.resources.time_s};
    for (const Source& s : sources) {
      task.inputs.push_back(s.input);
      if (!s.task) continue;
      const Digest& from = plan_.tasks[*s.task].task.key;
      if (std::find(task.after.begin(), task.after.end(), from) == task.after.end()) task.after.push_back(from);
    }
    const std::size_t index = plan_.tasks.size();
    by_key_[task.key] = index;
    sources_.push_back(made.origin->id);
    made_.push_back(std::move(made));
    plan_.tasks.push_back({std::move(task), record::TaskState::waiting, step.keep, {}});
    return index;
  }

  void report_problems() const {
    if (problems_.empty()) return;
    std::vector<std::string> shown(
        problems_.begin(), problems_.begin() + static_cast<std::ptrdiff_t>(std::min(problems_.size(), kShownProblems)));
    if (problems_.size() > kShownProblems)
      shown.push_back(fmt::format("and {} more", problems_.size() - kShownProblems));
    throw UserError(fmt::format("{}\n{} error{}; nothing was submitted", join(shown, "\n"), problems_.size(),
                                problems_.size() == 1 ? "" : "s"));
  }

  /// Published tasks are done. What is not kept is made again only for a task that has to run and reads it.
  void keep_what_is_needed() {
    std::vector<std::string> artifacts;
    for (const record::PlannedTask& p : plan_.tasks) artifacts.push_back(p.task.artifact);
    std::vector<bool> published = catalog_.published(artifacts);
    for (std::size_t i = 0; options_.published && i < artifacts.size(); ++i)
      published[i] = published[i] && options_.published(artifacts[i]);
    std::set<Digest> read;
    std::vector<bool> in_plan(artifacts.size());
    for (std::size_t i = artifacts.size(); i-- > 0;) {
      record::PlannedTask& p = plan_.tasks[i];
      if (published[i]) p.state = record::TaskState::done;
      in_plan[i] = published[i] || p.keep || read.contains(p.task.key);
      if (in_plan[i] && !published[i]) read.insert(p.task.after.begin(), p.task.after.end());
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < artifacts.size(); ++i) {
      if (!in_plan[i]) continue;
      if (kept != i) plan_.tasks[kept] = std::move(plan_.tasks[i]), sources_[kept] = std::move(sources_[i]);
      ++kept;
    }
    plan_.tasks.resize(kept);
    sources_.resize(kept);
  }

  const workflow::Workflow& workflow_;
  catalog::CatalogClient& catalog_;
  const plugins::Registry& kernels_;
  const PlanOptions& options_;
  record::Plan plan_;
  std::vector<std::string> problems_, sources_;
  std::vector<Made> made_;
  std::map<Digest, std::size_t> by_key_;
  std::map<std::string, std::size_t> of_step_;
};
}  // namespace

workflow::KernelLookup kernel_lookup(const plugins::Registry& registry) {
  return {[&registry](std::string_view name) -> const SchemaInfo* {
            const plugins::Entry* entry = registry.find_if_there(name);
            return entry == nullptr ? nullptr : &entry->kernel->schema();
          },
          registry.names()};
}

std::string new_run_id(const std::string& workflow, const Clock& clock) {
  std::string stamp;
  for (const char ch : format_time(clock.now()).substr(0, 19))
    if (std::isdigit(static_cast<unsigned char>(ch)) != 0)
      stamp += ch;
    else if (ch == 'T')
      stamp += '-';
  return fmt::format("{}-{}-{}", stamp, workflow, uuid4().substr(0, 4));
}

record::Plan make_plan(const workflow::Workflow& workflow, catalog::CatalogClient& catalog,
                       const plugins::Registry& kernels, const PlanOptions& options) {
  return Planner(workflow, catalog, kernels, options).make();
}

}  // namespace voxflow::engine
