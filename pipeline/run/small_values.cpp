#include "pipeline/run/small_values.hpp"

#include <fmt/format.h>

#include "pipeline/archive/image_file.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/record/transforms.hpp"

namespace voxflow::run {

namespace {
std::vector<Psf> read_psfs(const std::filesystem::path& file) {
  const archive::ImageReader reader(file);
  const record::ImageInfo& info = reader.info();
  if (info.dtype != DType::float32 || info.timepoints != 1)
    throw UserError(fmt::format("'{}' is no PSF: one timepoint of float32 is wanted, it has {} of {}", file.string(),
                                info.timepoints, to_string(info.dtype)));
  std::vector<Psf> psfs;
  for (int c = 0; c < info.channel_count(); ++c) {
    Psf psf{info.grid, std::vector<float>(static_cast<std::size_t>(count(info.grid.shape)))};
    reader.read<float>(0, c, info.grid.box(), {psf.voxels.data(), info.grid.shape});
    psfs.push_back(std::move(psf));
  }
  return psfs;
}

template <class T>
const T& emitted_value(const SmallValues& emitted, const PortInfo& port) {
  const auto it = emitted.find(port.name);
  if (it == emitted.end() || !std::holds_alternative<T>(it->second))
    throw InternalError(fmt::format("the kernel emitted no {} at output '{}'", to_string(port.type.kind), port.name));
  return std::get<T>(it->second);
}

Table with_slice_columns(const Table& rows, const Slice& slice) {
  Table table;
  const auto constant = [&](const char* name, int value) {
    if (value >= 0) table.add({name, "", std::vector<std::int64_t>(rows.rows(), value)});
  };
  constant("timepoint", slice.t);
  constant("channel", slice.c);
  for (const Column& column : rows.columns()) table.add(column);
  return table;
}
}  // namespace

SmallValues SmallInputs::for_channel(int channel) const {
  SmallValues chosen = values;
  if (channel < 0) return chosen;
  for (const auto& [port, list] : psfs) {
    if (static_cast<std::size_t>(channel) >= list.size())
      throw UserError(
          fmt::format("input '{}' has PSFs for {} channels, none for channel {}", port, list.size(), channel));
    chosen[port] = list[static_cast<std::size_t>(channel)];
  }
  return chosen;
}

void read_small_input(const std::string& port, PortKind kind, const std::filesystem::path& file, SmallInputs& into) {
  if (kind == PortKind::table) {
    into.values[port] = Table::from_tsv(read_file(file));
  } else if (kind == PortKind::transform) {
    into.values[port] = record::transform_set_from(read_file(file));
  } else {
    std::vector<Psf> psfs = read_psfs(file);
    into.values[port] = psfs.front();
    if (psfs.size() > 1) into.psfs[port] = std::move(psfs);
  }
}

SmallOutputs join_outputs(const SchemaInfo& schema, const CallPlan& plan, const std::vector<SmallValues>& emitted) {
  SmallOutputs out;
  for (const PortInfo& port : schema.outputs) {
    for (std::size_t i = 0; i < emitted.size(); ++i) {
      const Slice& slice = plan.calls[i].slice;
      if (port.type.kind == PortKind::table) {
        out.tables[port.name].append(with_slice_columns(emitted_value<Table>(emitted[i], port), slice));
      } else if (port.type.kind == PortKind::transform) {
        for (TransformSet::Entry e : emitted_value<TransformSet>(emitted[i], port).entries) {
          if (e.t == -1) e.t = slice.t;
          if (e.c == -1) e.c = slice.c;
          out.transforms[port.name].entries.push_back(e);
        }
      } else if (port.type.kind == PortKind::psf) {
        std::vector<Psf>& psfs = out.psfs[port.name];
        psfs.push_back(emitted_value<Psf>(emitted[i], port));
        if (psfs.back().grid != psfs.front().grid)
          throw InternalError(fmt::format("the kernel emitted PSFs of different grids at output '{}'", port.name));
      }
    }
  }
  return out;
}

}  // namespace voxflow::run
