#include "tests/kernels/block_runner.hpp"

#include "pipeline/plugins/registry.hpp"

namespace voxflow::test {

namespace {
Index reflect(Index i, Index n) {
  if (n == 1) return 0;
  const Index period = 2 * (n - 1);
  i = ((i % period) + period) % period;
  return i < n ? i : period - i;
}

std::vector<Box3> cut(const Index3& shape, Index3 core) {
  for (std::size_t i = 0; i < 3; ++i)
    if (core[i] <= 0) core[i] = shape[i];
  std::vector<Box3> cores;
  for (Index z = 0; z < shape[kZ]; z += core[kZ])
    for (Index y = 0; y < shape[kY]; y += core[kY])
      for (Index x = 0; x < shape[kX]; x += core[kX]) cores.push_back(intersect({{z, y, x}, core}, {{0, 0, 0}, shape}));
  return cores;
}

template <class T>
std::vector<T> read_box(const std::vector<T>& voxels, const Index3& shape, const Box3& box, Border border) {
  const auto place = [&](Index i, std::size_t axis) {
    if (border == Border::mirror) return reflect(i, shape[axis]);
    return std::clamp<Index>(i, 0, shape[axis] - 1);
  };
  std::vector<T> out;
  for (Index z = box.origin[kZ]; z < box.end(kZ); ++z)
    for (Index y = box.origin[kY]; y < box.end(kY); ++y)
      for (Index x = box.origin[kX]; x < box.end(kX); ++x)
        out.push_back(
            voxels[static_cast<std::size_t>((place(z, kZ) * shape[kY] + place(y, kY)) * shape[kX] + place(x, kX))]);
  return out;
}

// The buffers of one block, and the Block that points into them.
struct Buffers {
  Block block;
  std::vector<Volume> volumes;
};

Volume empty_output(const PortType& type, const Grid& grid) {
  const auto n = static_cast<std::size_t>(count(grid.shape));
  if (type.kind == PortKind::labels) return {grid, std::vector<std::uint32_t>(n)};
  if (type.kind == PortKind::mask) return {grid, std::vector<std::uint8_t>(n)};
  return {grid, std::vector<float>(n)};
}

ErasedVolume erase(Volume& v, const Box3& box) {
  return std::visit(
      [&](auto& voxels) -> ErasedVolume {
        using T = typename std::decay_t<decltype(voxels)>::value_type;
        return {voxels.data(), dtype_of<T>(), box};
      },
      v.voxels);
}

void store(const Volume& from, const Box3& core, Volume& to) {
  std::visit(
      [&](auto& target) {
        using Voxels = std::decay_t<decltype(target)>;
        const VolumeView whole(target.data(), to.grid.shape);
        copy_voxels({std::get<Voxels>(from.voxels).data(), core.extent}, whole.sub(core));
      },
      to.voxels);
}

class Runner {
 public:
  Runner(const AnyKernel& kernel, const ParamValues& params, const KernelInputs& inputs, const std::string& first)
      : schema_(kernel.schema()), bound_(kernel.bind(params)), inputs_(inputs) {
    geometry_.grid = inputs.volumes.at(first).front().grid;
    for (const auto& [port, slices] : inputs.volumes) geometry_.grids[port] = slices.front().grid;
    geometry_.channels = static_cast<int>(inputs.volumes.at(first).size());
    geometry_.small = inputs.small;
    for (const auto& [port, value] : inputs.volumes) geometry_.connected.insert(port);
    for (const auto& [port, value] : inputs.small) geometry_.connected.insert(port);
    bound_->check(geometry_);
    output_grid_ = bound_->output_grid(geometry_);
    state_ = bound_->prepare(geometry_);
  }

  KernelOutputs run(const Index3& core, Context& context) {
    const std::vector<Box3> cores = cut(output_grid_.shape, core);
    AnySurvey survey;
    for (const Box3& box : bound_->has_survey() ? cores : std::vector<Box3>{}) {
      const Buffers b = gather(box, {});
      // Through bytes, as between ranks.
      const AnySurvey part = bound_->decode(bound_->encode(bound_->survey(state_, b.block, context)));
      survey ? bound_->merge(survey, part) : void(survey = part);
    }
    KernelOutputs outputs;
    std::vector<PortInfo> ports;
    for (const PortInfo& port : schema_.outputs)
      if (is_volumetric(port.type.kind)) {
        outputs.volumes[port.name] = empty_output(port.type, output_grid_);
        ports.push_back(port);
      }
    for (const Box3& box : bound_->has_run() ? cores : std::vector<Box3>{}) {
      Buffers b = gather(box, ports);
      bound_->run(state_, survey, b.block, context);
      for (std::size_t i = 0; i < ports.size(); ++i)
        store(b.volumes[b.volumes.size() - ports.size() + i], box, outputs.volumes[ports[i].name]);
    }
    outputs.small = bound_->emit(state_, survey, inputs_.slice);
    return outputs;
  }

 private:
  Buffers gather(const Box3& core, const std::vector<PortInfo>& output_ports) const {
    Buffers b;
    b.volumes.reserve(64);
    b.block.core = core;
    b.block.slice = inputs_.slice;
    b.block.grid = output_grid_;
    if (!bound_->has_footprint()) b.block.halo = bound_->halo(geometry_.grid);
    for (const PortInfo& port : schema_.inputs) {
      const auto slices = inputs_.volumes.find(port.name);
      if (slices == inputs_.volumes.end()) continue;
      Block::Port& to = b.block.inputs.emplace_back();
      to.name = port.name;
      for (const Volume& v : slices->second) {
        Box3 box =
            bound_->has_footprint() ? bound_->footprint(state_, core, inputs_.slice, v.grid) : grow(core, b.block.halo);
        if (port.border == Border::none) box = intersect(box, v.grid.box());
        b.volumes.push_back(std::visit(
            [&](const auto& voxels) {
              return Volume{v.grid, read_box(voxels, v.grid.shape, box, port.border)};
            },
            v.voxels));
        to.slices.push_back(erase(b.volumes.back(), box));
        to.places.push_back(inputs_.slice);
      }
    }
    for (const PortInfo& port : output_ports) {
      b.volumes.push_back(empty_output(port.type, {core.extent, output_grid_.spacing}));
      b.block.outputs.push_back({port.name, {erase(b.volumes.back(), core)}, {}});
    }
    return b;
  }

  const SchemaInfo& schema_;
  std::unique_ptr<BoundKernel> bound_;
  const KernelInputs& inputs_;
  Geometry geometry_;
  Grid output_grid_;
  AnyState state_;
};
}  // namespace

const AnyKernel& shipped_kernel(const std::string& name) {
  static const plugins::Registry registry = [] {
    plugins::Registry r;
    r.load_folder(VOXFLOW_SHIPPED_KERNELS);
    return r;
  }();
  return *registry.find(name).kernel;
}

KernelOutputs run_blocks(const AnyKernel& kernel, const ParamValues& params, const KernelInputs& inputs,
                         const std::string& first, const Index3& core, Context context) {
  return Runner(kernel, params, inputs, first).run(core, context);
}

float mirrored(const Volume& v, Index z, Index y, Index x) {
  const Index3& s = v.grid.shape;
  return v.as()[static_cast<std::size_t>((reflect(z, s[kZ]) * s[kY] + reflect(y, s[kY])) * s[kX] + reflect(x, s[kX]))];
}

}  // namespace voxflow::test
