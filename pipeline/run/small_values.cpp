#include "pipeline/run/small_values.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/archive/image_file.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/record/transforms.hpp"
#include "pipeline/sdk/findings.hpp"

namespace voxflow::run {

namespace {
bool is_number(const std::string& name) {
  return name.find_first_not_of("0123456789") == std::string::npos;
}

std::vector<Psf> read_psfs(const archive::ImageReader& reader, const std::filesystem::path& file) {
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

// `psf` in the middle of zeros; both shapes are odd, or of one length, on every axis.
Psf padded(const Psf& psf, const Index3& shape) {
  Psf out{{shape, psf.grid.spacing}, std::vector<float>(static_cast<std::size_t>(count(shape)), 0.0F)};
  Box3 middle{{}, psf.grid.shape};
  for (std::size_t i = 0; i < 3; ++i) middle.origin[i] = (shape[i] - psf.grid.shape[i]) / 2;
  copy_voxels({psf.voxels.data(), psf.grid.shape}, VolumeView<float>(out.voxels.data(), shape).sub(middle));
  return out;
}

// One file holds the PSFs of all channels on one grid, the smaller ones in a frame of zeros.
void to_one_grid(std::vector<Psf>& psfs, const std::string& port) {
  Index3 largest{};
  for (const Psf& p : psfs)
    for (std::size_t i = 0; i < 3; ++i) largest[i] = std::max(largest[i], p.grid.shape[i]);
  for (Psf& p : psfs) {
    for (std::size_t i = 0; i < 3; ++i)
      if (p.grid.spacing != psfs.front().grid.spacing || (largest[i] - p.grid.shape[i]) % 2 != 0)
        throw InternalError(fmt::format("the kernel emitted PSFs that have no common middle at output '{}'", port));
    if (p.grid.shape != largest) p = padded(p, largest);
  }
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

SmallValues SmallInputs::for_channel(int channel, const std::string& name) const {
  SmallValues chosen = values;
  if (channel < 0) return chosen;
  for (const auto& [port, list] : psfs) {
    static const std::vector<std::string> kUnnamed;
    const auto known = psf_channels.find(port);
    const std::vector<std::string>& names = known == psf_channels.end() ? kUnnamed : known->second;
    const auto named = std::find(names.begin(), names.end(), name);
    const auto index =
        named == names.end() ? static_cast<std::size_t>(channel) : static_cast<std::size_t>(named - names.begin());
    if (index >= list.size() || (named == names.end() && index < names.size() && !is_number(names[index])))
      throw UserError(
          fmt::format("input '{}' has PSFs for {} channels{}, none for channel {}; name the channels of "
                      "both images alike, or give one PSF for all",
                      port, list.size(), names.empty() ? "" : fmt::format(" ({})", fmt::join(names, ", ")),
                      name.empty() ? std::to_string(channel) : fmt::format("'{}'", name)));
    chosen[port] = list[index];
  }
  return chosen;
}

void read_small_input(const std::string& port, PortKind kind, const std::filesystem::path& file, SmallInputs& into) {
  if (kind == PortKind::table) {
    into.values[port] = Table::from_tsv(read_file(file));
  } else if (kind == PortKind::transform) {
    into.values[port] = record::transform_set_from(read_file(file));
  } else {
    const archive::ImageReader reader(file);
    std::vector<Psf> psfs = read_psfs(reader, file);
    into.values[port] = psfs.front();
    if (psfs.size() == 1) return;
    into.psfs[port] = std::move(psfs);
    for (const record::Channel& c : reader.info().channels) into.psf_channels[port].push_back(c.name);
  }
}

SmallOutputs join_outputs(const SchemaInfo& schema, const CallPlan& plan, const std::vector<SmallValues>& emitted) {
  SmallOutputs out;
  for (std::size_t i = 0; i < emitted.size(); ++i)
    if (const auto found = emitted[i].find(kFindings); found != emitted[i].end())
      out.findings.append(with_slice_columns(std::get<Table>(found->second), plan.calls[i].slice));
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
        out.psfs[port.name].push_back(emitted_value<Psf>(emitted[i], port));
      }
    }
    if (const auto psfs = out.psfs.find(port.name); psfs != out.psfs.end()) to_one_grid(psfs->second, port.name);
  }
  return out;
}

}  // namespace voxflow::run
