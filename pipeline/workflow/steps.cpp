#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"
#include "pipeline/workflow/reading.hpp"
#include "pipeline/workflow/wiring.hpp"

namespace voxflow::workflow {

namespace {
const std::vector<std::string> kStepKeys{
    "kernel", "input", "inputs", "keep", "params", "channels", "timepoints", "params_by_channel", "blocks"};
const std::vector<LaterKey> kLaterStepKeys{
    {"for_each", "leave it out: one task holds all timepoints and channels of an image"},
    {"gather", "leave this step out: every image has a result of its own, which 'voxflow find' lists"},
    {"allow_missing", "it belongs to 'gather'"}};
const std::vector<std::string> kResourceKeys{"ranks", "threads", "memory", "time"};

std::vector<std::string> names(Reader& reader, const YamlNode& node, const std::string& what) {
  std::vector<std::string> out;
  for (const YamlNode& item : reader.list(node, what, "[DAPI]"))
    if (const auto name = reader.text(item, what)) {
      if (std::find(out.begin(), out.end(), *name) != out.end())
        reader.problem(item.mark, fmt::format("{} has '{}' twice", what, *name));
      out.push_back(*name);
    }
  return out;
}

std::vector<int> timepoints(Reader& reader, const YamlNode& node, const std::string& what) {
  std::vector<int> out;
  for (const YamlNode& item : reader.list(node, what, "[0, 1]"))
    if (const auto t = reader.whole_number(item, what, 0, 1'000'000)) {
      if (std::find(out.begin(), out.end(), *t) != out.end())
        reader.problem(item.mark, fmt::format("{} has {} twice", what, *t));
      out.push_back(static_cast<int>(*t));
    }
  return out;
}

std::optional<Index3> blocks(Reader& reader, const YamlNode& node, const std::string& what) {
  if (node.kind != YamlNode::Kind::list || node.items.size() != 3) {
    reader.problem(node.mark, fmt::format("{} is {}; three voxel counts z, y, x are wanted, such as [64, 128, 128]",
                                          what, Reader::shown(node)));
    return std::nullopt;
  }
  Index3 shape{};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto n = reader.whole_number(node.items[i], what, 1, 1'000'000);
    if (!n) return std::nullopt;
    shape[i] = *n;
  }
  return shape;
}

void read_resources(Reader& reader, const YamlNode& node, const std::string& what, ResourceRequest& request) {
  if (!reader.is_map(node, what)) return;
  reader.check_keys(node, what, kResourceKeys);
  if (const YamlNode* n = node.find("ranks"))
    if (const auto v = reader.whole_number(*n, "ranks in " + what, 1, 100'000)) request.ranks = static_cast<int>(*v);
  if (const YamlNode* n = node.find("threads"))
    if (const auto v = reader.whole_number(*n, "threads in " + what, 1, 4096)) request.threads = static_cast<int>(*v);
  const auto positive = [&](const char* key, std::string_view unit) -> std::optional<double> {
    const YamlNode* n = node.find(key);
    if (n == nullptr) return std::nullopt;
    const auto v = reader.quantity(*n, fmt::format("{} in {}", key, what), unit);
    if (v && *v > 0) return v;
    if (v) reader.problem(n->mark, fmt::format("{} in {} is {}, allowed more than 0", key, what, Reader::shown(*n)));
    return std::nullopt;
  };
  if (const auto v = positive("memory", "B")) request.memory_bytes = static_cast<std::uint64_t>(*v);
  if (const auto v = positive("time", "s")) request.time_s = *v;
}

class StepsReader {
 public:
  StepsReader(Reader& reader, const KernelLookup& kernels, const Workflow& workflow)
      : reader_(reader), kernels_(kernels), workflow_(workflow) {}

  void read(const YamlNode& node) {
    if (!reader_.is_map(node, "'steps'")) return;
    reader_.check_keys(node, "'steps'", {});
    if (node.entries.empty()) reader_.problem(node.mark, "'steps' is empty; a workflow has at least one step");
    for (const auto& [key, body] : node.entries) {
      if (!reader_.is_name(key, "the name of a step")) continue;
      if (key.text == "image" || workflow_.references.contains(key.text))
        reader_.problem(key.mark,
                        fmt::format("a step may not be called '{}': {}", key.text,
                                    key.text == "image" ? "that is the selected image" : "a reference has that name"));
      const std::string what = fmt::format("step '{}'", key.text);
      if (!reader_.is_map(body, what)) continue;
      const std::string& name = key.text;
      if (std::none_of(drafts_.begin(), drafts_.end(), [&name](const Draft& d) { return d.step.name == name; }))
        drafts_.push_back(draft(key, body, what));
    }
  }

  void read_requests(const YamlNode* node) {
    ResourceRequest fallback;
    if (node != nullptr && reader_.is_map(*node, "'resources'")) {
      std::vector<std::string> allowed{"default"};
      for (const Draft& d : drafts_) allowed.push_back(d.step.name);
      reader_.check_keys(*node, "'resources'", allowed);
      if (const YamlNode* n = node->find("default")) read_resources(reader_, *n, "the default resources", fallback);
    }
    for (Draft& d : drafts_) {
      d.step.resources = fallback;
      const YamlNode* n = node == nullptr ? nullptr : node->find(d.step.name);
      if (n != nullptr)
        read_resources(reader_, *n, fmt::format("the resources of '{}'", d.step.name), d.step.resources);
    }
  }

  std::vector<Draft>& drafts() { return drafts_; }

 private:
  Draft draft(const YamlNode& key, const YamlNode& body, const std::string& what) {
    Draft d;
    d.step.name = key.text;
    d.step.mark = key.mark;
    d.body = &body;
    reader_.check_keys(body, what, kStepKeys, kLaterStepKeys);
    d.kernel = kernel(body, key, what);
    if (d.kernel != nullptr) d.step.kernel = d.kernel->name, d.step.kernel_version = d.kernel->version;
    if (const YamlNode* n = body.find("keep")) d.step.keep = reader_.boolean(*n, "keep of " + what).value_or(true);
    if (const YamlNode* n = body.find("channels")) d.step.channels = names(reader_, *n, "channels of " + what);
    if (const YamlNode* n = body.find("timepoints"))
      d.step.timepoints = timepoints(reader_, *n, "timepoints of " + what);
    if (const YamlNode* n = body.find("blocks")) d.step.blocks = blocks(reader_, *n, "blocks of " + what);
    if (d.kernel == nullptr) return d;
    if (const YamlNode* n = body.find("params")) d.step.params = read_params(reader_, *n, *d.kernel, what);
    if (const YamlNode* n = body.find("params_by_channel")) by_channel(*n, d, what);
    return d;
  }

  const SchemaInfo* kernel(const YamlNode& body, const YamlNode& key, const std::string& what) {
    const YamlNode* n = body.find("kernel");
    if (n == nullptr) {
      if (body.find("gather") == nullptr) reader_.problem(key.mark, fmt::format("{} has no 'kernel'", what));
      return nullptr;
    }
    const auto name = reader_.text(*n, "kernel of " + what);
    if (!name) return nullptr;
    const SchemaInfo* schema = kernels_.find(*name);
    if (schema == nullptr)
      reader_.problem(n->mark, fmt::format("there is no kernel '{}'{}", *name, did_you_mean(*name, kernels_.names)),
                      "'voxflow kernels' lists them");
    return schema;
  }

  void by_channel(const YamlNode& node, Draft& d, const std::string& what) {
    const std::string subject = fmt::format("params_by_channel of {}", what);
    if (!reader_.is_map(node, subject)) return;
    reader_.check_keys(node, subject, d.step.channels);
    for (const auto& [channel, params] : node.entries)
      d.step.params_by_channel[channel.text] =
          read_params(reader_, params, *d.kernel, fmt::format("{}, channel {}", what, channel.text));
  }

  Reader& reader_;
  const KernelLookup& kernels_;
  const Workflow& workflow_;
  std::vector<Draft> drafts_;
};
}  // namespace

std::vector<Step> read_steps(Reader& reader, const YamlNode& document, const KernelLookup& kernels,
                             const Workflow& workflow) {
  StepsReader steps(reader, kernels, workflow);
  if (const YamlNode* node = document.find("steps")) steps.read(*node);
  steps.read_requests(document.find("resources"));
  return wire(reader, steps.drafts(), workflow);
}

}  // namespace voxflow::workflow
