#include "pipeline/run/geometry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "pipeline/archive/chunks.hpp"
#include "pipeline/archive/image_file.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::run {

namespace {
using BoundKernels = std::vector<std::unique_ptr<BoundKernel>>;

DType memory_type(PortKind kind) {
  return kind == PortKind::labels ? DType::uint32 : kind == PortKind::mask ? DType::uint8 : DType::float32;
}

std::string shape_text(const Index3& s) {
  return fmt::format("{} x {} x {}", s[kZ], s[kY], s[kX]);
}

void check_spacing(const PortInfo& port, const Spacing3& spacing) {
  constexpr std::array<const char*, 3> kNames{"z", "y", "x"};
  for (std::size_t i = 0; i < 3; ++i)
    if (!(spacing[i].value > 0) || !std::isfinite(spacing[i].value))
      throw UserError(fmt::format(
          "input '{}': the image's spacing along {} is {} um, allowed is more than 0; import it again with --spacing",
          port.name, kNames[i], spacing[i].value));
}

void check_image(const PortInfo& port, const record::ImageInfo& info) {
  check_spacing(port, info.grid.spacing);
  if (port.type.kind == PortKind::labels && info.dtype == DType::float32)
    throw UserError(
        fmt::format("input '{}' takes labels, the image is {} of float32", port.name, to_string(info.kind)));
  if (port.type.kind == PortKind::mask && info.dtype != DType::uint8)
    throw UserError(fmt::format("input '{}' takes a mask, the image is {} of {}", port.name, to_string(info.kind),
                                to_string(info.dtype)));
}

std::vector<InputPort> input_ports(const Request& request) {
  const SchemaInfo& schema = request.kernel->schema();
  std::vector<std::string> names;
  std::vector<InputPort> ports;
  for (const PortInfo& p : schema.inputs) {
    names.push_back(p.name);
    if (!is_volumetric(p.type.kind)) continue;
    const auto it = request.images.find(p.name);
    if (it == request.images.end()) {
      if (!p.optional) throw UserError(fmt::format("input '{}' of kernel '{}' is not connected", p.name, schema.name));
      continue;
    }
    check_image(p, it->second);
    const auto outside = p.border == Border::mirror   ? decompose::Outside::mirror
                         : p.border == Border::extend ? decompose::Outside::extend
                                                      : decompose::Outside::clip;
    ports.push_back({p.name, it->second, p.type.kind, memory_type(p.type.kind), outside});
  }
  for (const auto& [port, info] : request.images)
    if (schema.input(port) == nullptr)
      throw UserError(fmt::format("kernel '{}' has no input '{}'{}", schema.name, port, did_you_mean(port, names)));
  return ports;
}

// The common output grid of all channels' parameters.
Grid output_grid(const BoundKernels& bound, const Geometry& geometry, const std::string& kernel) {
  const Grid grid = bound.front()->output_grid(geometry);
  for (const auto& b : bound)
    if (b->output_grid(geometry) != grid)
      throw UserError(
          fmt::format("kernel '{}' makes outputs of different shape for different channels; give those channels "
                      "a step of their own",
                      kernel));
  return grid;
}

Halo largest_halo(const BoundKernels& bound, const Grid& grid) {
  Halo halo;
  for (const auto& b : bound) {
    const Halo h = b->halo(grid);
    for (std::size_t i = 0; i < 3; ++i)
      halo.low[i] = std::max(halo.low[i], h.low[i]), halo.high[i] = std::max(halo.high[i], h.high[i]);
  }
  return halo;
}

// The outputs' time step: that of the leading input, where the chosen timepoints are evenly spaced.
std::optional<double> time_step(const std::optional<double>& step_s, const std::vector<int>& timepoints) {
  if (!step_s || timepoints.size() < 2) return step_s;
  const int stride = timepoints[1] - timepoints[0];
  for (std::size_t i = 1; i < timepoints.size(); ++i)
    if (timepoints[i] - timepoints[i - 1] != stride || stride < 1) return std::nullopt;
  return *step_s * stride;
}

// What all volumetric outputs have in common.
record::ImageInfo output_frame(const Layout& layout) {
  record::ImageInfo info;
  info.grid = layout.grid;
  info.timepoints = static_cast<int>(layout.plan.t.values.size());
  const auto find = [&](const std::string& port) {
    return std::find_if(layout.inputs.begin(), layout.inputs.end(), [&](const InputPort& p) { return p.port == port; });
  };
  if (layout.inputs.empty()) {
    info.channels = {{"", std::nullopt, std::nullopt}};
    return info;
  }
  for (const int c : layout.plan.c.values)
    info.channels.push_back(find(layout.plan.c.leading)->info.channels[static_cast<std::size_t>(c)]);
  info.time_step_s = time_step(find(layout.plan.t.leading)->info.time_step_s, layout.plan.t.values);
  return info;
}

std::vector<OutputPort> output_ports(const SchemaInfo& schema, const Layout& layout) {
  std::vector<OutputPort> ports;
  const record::ImageInfo frame = output_frame(layout);
  for (const PortInfo& p : schema.outputs) {
    if (!is_volumetric(p.type.kind)) continue;
    PortKind kind = p.type.kind;
    std::optional<DType> dtype = p.type.dtype;
    for (const InputPort& in : layout.inputs)
      if (in.port == p.type.same_as) kind = in.kind, dtype = in.kind == PortKind::image ? in.info.dtype : in.memory;
    OutputPort out{p.name, frame, memory_type(kind)};
    out.info.kind = kind == PortKind::labels ? record::ImageKind::labels
                    : kind == PortKind::mask ? record::ImageKind::mask
                                             : record::ImageKind::intensity;
    out.info.dtype = kind == PortKind::image ? dtype.value_or(DType::float32) : memory_type(kind);
    ports.push_back(std::move(out));
  }
  return ports;
}

void check_shapes(const Layout& layout, const BoundKernel& bound, const std::string& kernel) {
  if (layout.whole_volume || bound.has_footprint()) return;
  for (const InputPort& in : layout.inputs)
    if (in.info.grid.shape != layout.grid.shape)
      throw UserError(fmt::format("kernel '{}' wants inputs of one shape: '{}' is {} voxels (z, y, x), the others {}",
                                  kernel, in.port, shape_text(in.info.grid.shape), shape_text(layout.grid.shape)));
}

Index3 default_core(const Request& request, const Layout& layout) {
  return decompose::BlockGrid::core_shape(layout.grid.shape, layout.chunk, layout.halo,
                                          request.kernel->schema().block_voxels);
}

void cut_blocks(const Request& request, Layout& layout) {
  if (count(layout.grid.shape) <= 0) return;
  layout.chunk = archive::chunk_shape(layout.grid);
  const Index3& shape = layout.grid.shape;
  if (layout.whole_volume)
    layout.blocks.emplace(shape, shape, shape, Halo{});
  else
    layout.blocks.emplace(shape, layout.chunk, request.blocks.value_or(default_core(request, layout)), layout.halo);
}

std::uint64_t voxel_bytes(const Index3& extent, DType dtype) {
  return static_cast<std::uint64_t>(std::max<Index>(0, count(extent))) * size_bytes(dtype);
}

constexpr std::uint64_t kReaderCacheBytes = archive::ImageReader::kCacheBytes;
constexpr std::uint64_t kProcessBytes = std::uint64_t{64} << 20;  // code, libraries, MPI
// A thread that helps with another's block has some planes or rows of its own.
constexpr std::uint64_t kHelpersOfABlock = 32;

// All calls see as many slices, groups perhaps not.
const Call& largest_call(const Layout& layout) {
  if (layout.groups.empty()) return layout.plan.calls.front();
  const std::string& port = layout.inputs.front().port;
  return *std::max_element(layout.groups.begin(), layout.groups.end(), [&](const Call& a, const Call& b) {
    return a.inputs.at(port).size() < b.inputs.at(port).size();
  });
}

// Buffers of one thread at work on `core`.
std::uint64_t block_bytes(const Layout& layout, const BoundKernel& bound, const AnyState& state, bool state_known,
                          const Box3& core, const Call& call) {
  std::uint64_t bytes = 0;
  Index3 seen = core.extent;  // box of the first input, by which kernels reckon their scratch memory
  for (const InputPort& in : layout.inputs) {
    const bool unknown = bound.has_footprint() && !state_known;
    const Box3 box = unknown ? core : layout.input_box(in, bound, state, core, call.slice);
    if (&in == &layout.inputs.front()) seen = box.extent;
    bytes += call.inputs.at(in.port).size() * voxel_bytes(box.extent, in.memory);
    if (in.info.dtype != in.memory) bytes += voxel_bytes(box.extent, in.info.dtype);
  }
  for (const OutputPort& out : layout.outputs) {
    bytes += call.outputs.size() * voxel_bytes(core.extent, out.memory);
    // Encoded: held by the thread, waiting, and being sent.
    bytes += 3 * call.outputs.size() * voxel_bytes(core.extent, out.info.dtype) +
             voxel_bytes(layout.chunk, out.info.dtype) + archive::codec_bytes(layout.chunk, out.info.dtype);
  }
  return bytes + bound.scratch_bytes(seen);
}

// Whether no channel is left for the common parameters, which need not be complete then.
bool every_channel_has_its_own(const Request& request) {
  std::vector<int> channels = request.channels;
  for (const PortInfo& p : request.kernel->schema().inputs) {
    const auto image = request.images.find(p.name);
    if (!is_volumetric(p.type.kind) || image == request.images.end()) continue;
    if (channels.empty()) {
      channels.resize(image->second.channels.size());
      std::iota(channels.begin(), channels.end(), 0);
    }
    break;
  }
  return !channels.empty() &&
         std::all_of(channels.begin(), channels.end(), [&](int c) { return request.params_by_channel.contains(c); });
}
}  // namespace

Box3 Layout::input_box(const InputPort& input, const BoundKernel& bound, const AnyState& state, const Box3& core,
                       const Slice& slice) const {
  const Index3& shape = input.info.grid.shape;
  const Box3 whole{{0, 0, 0}, shape};
  if (!bound.has_footprint()) return decompose::input_box(whole_volume ? whole : core, halo, input.outside, shape);
  const Box3 box = bound.footprint(state, core, slice, input.info.grid);
  return input.outside == decompose::Outside::clip ? intersect(box, whole) : box;
}

BoundKernels bind_all(const Request& request) {
  BoundKernels bound;
  bound.push_back(request.kernel->bind(every_channel_has_its_own(request) ? request.params_by_channel.begin()->second
                                                                          : request.params));
  for (const auto& [channel, params] : request.params_by_channel) bound.push_back(request.kernel->bind(params));
  return bound;
}

Layout plan_layout(const Request& request, const BoundKernels& bound) {
  const SchemaInfo& schema = request.kernel->schema();
  if (schema.blockwise == Blockwise::external)
    throw UserError(
        fmt::format("kernel '{}' is an external command, which this version of voxflow does not run", schema.name));
  Layout layout;
  layout.inputs = input_ports(request);
  std::vector<std::pair<std::string, record::ImageInfo>> images;
  for (const InputPort& in : layout.inputs) {
    images.emplace_back(in.port, in.info);
    layout.geometry.grids[in.port] = in.info.grid;
  }
  layout.geometry.small = request.small;
  layout.geometry.connected = request.connected;
  for (const auto& [port, image] : images) layout.geometry.connected.insert(port);
  layout.plan = plan_calls(schema, images, request.channels, request.timepoints);
  if (schema.in_groups)
    layout.groups = plan_groups(layout.plan, layout.inputs.front().port,
                                bound.front()->groups({layout.plan.t.values, layout.plan.c.values}));
  if (layout.plan.c.all && !request.params_by_channel.empty())
    throw UserError(
        fmt::format("kernel '{}' sees all channels at once, so parameters cannot differ between them", schema.name));
  if (!images.empty()) {
    layout.geometry.grid = images.front().second.grid;
    layout.geometry.timepoints = static_cast<int>(layout.plan.t.of_port.at(images.front().first).size());
    layout.geometry.channels = static_cast<int>(layout.plan.c.of_port.at(images.front().first).size());
  }
  for (const auto& b : bound) with_context(fmt::format("kernel '{}'", schema.name), [&] { b->check(layout.geometry); });
  layout.whole_volume = schema.blockwise == Blockwise::volume;
  layout.grid = output_grid(bound, layout.geometry, schema.name);
  layout.halo = bound.front()->has_footprint() ? Halo{} : largest_halo(bound, layout.geometry.grid);
  layout.outputs = output_ports(schema, layout);
  check_shapes(layout, *bound.front(), schema.name);
  cut_blocks(request, layout);
  return layout;
}

std::map<std::string, record::ImageInfo> predict_output(const Request& request) {
  std::map<std::string, record::ImageInfo> outputs;
  for (const OutputPort& out : plan_layout(request, bind_all(request)).outputs) outputs[out.port] = out.info;
  return outputs;
}

std::optional<Index3> block_shape(const Request& request) {
  if (request.blocks) return request.blocks;
  if (request.kernel->schema().blockwise != Blockwise::within) return std::nullopt;
  const Layout layout = plan_layout(request, bind_all(request));
  if (!layout.blocks) return std::nullopt;
  return default_core(request, layout);
}

std::size_t work_units(const Request& request) {
  const Layout layout = plan_layout(request, bind_all(request));
  return std::max<std::size_t>(1, layout.units());
}

std::uint64_t memory_estimate(const Request& request, const Layout& layout, const BoundKernels& bound,
                              const std::vector<AnyState>& states, int threads) {
  std::uint64_t block = 0;
  const bool reads = bound.front()->has_survey() || bound.front()->has_run();
  if (reads && layout.blocks && !layout.plan.calls.empty())
    for (std::size_t k = 0; k < bound.size(); ++k)
      for (const Box3& core : layout.blocks->cores())
        block = std::max(block, block_bytes(layout, *bound[k], states.empty() ? nullptr : states[k], !states.empty(),
                                            core, largest_call(layout)));
  std::uint64_t kept = 0;
  for (const auto& [port, info] : request.images)
    kept += std::min(kReaderCacheBytes, voxel_bytes(info.grid.shape, info.dtype) *
                                            static_cast<std::uint64_t>(info.timepoints * info.channel_count()));
  const auto threads_at_work = static_cast<std::uint64_t>(std::max(1, threads));
  const auto at_work = layout.whole_volume ? 1 : std::clamp<std::uint64_t>(layout.units(), 1, threads_at_work);
  const std::uint64_t helping = (threads_at_work - at_work) * (block / kHelpersOfABlock);
  // Outputs are finished one after the other, when all blocks are done and the inputs are closed.
  std::uint64_t finishing = 0;
  for (const OutputPort& out : layout.outputs)
    finishing = std::max<std::uint64_t>(
        finishing, archive::ImageWriter::finish_bytes(out.info, static_cast<std::size_t>(std::max(1, threads))));
  return kProcessBytes + std::max(kept + at_work * block + helping, finishing);
}

std::uint64_t block_memory(const Request& request, int threads) {
  const auto bound = bind_all(request);
  const Layout layout = plan_layout(request, bound);
  std::vector<AnyState> states;
  // Without the small inputs that the kernel needs, no state can be prepared, and footprints stay unknown.
  bool known = true;
  for (const PortInfo& p : request.kernel->schema().inputs)
    known = known && (is_volumetric(p.type.kind) || request.small.contains(p.name) ||
                      (p.optional && !request.connected.contains(p.name)));
  if (known && bound.front()->has_footprint())
    for (const auto& b : bound) states.push_back(b->prepare(layout.geometry));
  return memory_estimate(request, layout, bound, states, threads);
}

}  // namespace voxflow::run
