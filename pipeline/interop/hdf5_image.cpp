#include "pipeline/interop/hdf5_image.hpp"

#include <cstring>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
/// Copies a box of axes `order` (some order of z, y, x; extents in that order) to z, y, x.
void transpose(const std::vector<unsigned char>& from, const std::string& order, const Index3& shape, std::size_t bytes,
               unsigned char* to) {
  Index3 stride{};
  Index step = 1;
  for (std::size_t i = 3; i-- > 0;) {
    const std::size_t axis = std::string_view("zyx").find(order[i]);
    stride[axis] = step;
    step *= shape[axis];
  }
  for (Index z = 0; z < shape[kZ]; ++z)
    for (Index y = 0; y < shape[kY]; ++y)
      for (Index x = 0; x < shape[kX]; ++x, to += bytes)
        std::memcpy(to,
                    from.data() + static_cast<std::size_t>(z * stride[kZ] + y * stride[kY] + x * stride[kX]) * bytes,
                    bytes);
}
}  // namespace

Hdf5Image::Hdf5Image(std::unique_ptr<archive::Hdf5File> file, std::vector<fs::path> files, ImageFacts facts,
                     Hdf5Layout layout)
    : file_(std::move(file)), files_(std::move(files)), layout_(std::move(layout)) {
  found() = std::move(facts);
  found().importer.version = archive::Hdf5File::library();
}

void Hdf5Image::read_planes(int t, int c, Index first, Index planes, void* voxels) {
  const auto volume = static_cast<std::size_t>(t) * facts().channels.size() + static_cast<std::size_t>(c);
  const std::string& dataset = layout_.datasets.size() == 1 ? layout_.datasets.front() : layout_.datasets.at(volume);
  std::vector<Index> origin, extent;
  std::string order;  // of z, y and x in the dataset
  for (const char axis : layout_.axes) {
    const bool spatial = axis != 't' && axis != 'c';
    origin.push_back(axis == 't' ? t : axis == 'c' ? c : axis == 'z' ? first : 0);
    extent.push_back(!spatial ? 1 : axis == 'z' ? planes : facts().shape[axis == 'y' ? kY : kX]);
    if (spatial) order += axis;
  }
  if (order.find('z') == std::string::npos) order.insert(0, "z");
  const Index3 shape{planes, facts().shape[kY], facts().shape[kX]};
  const auto n = static_cast<std::size_t>(count(shape));
  const std::size_t bytes = size_bytes(facts().type);
  const bool as_stored = to_string(facts().type) == to_string(stored_dtype(facts().type));
  if (order == "zyx" && as_stored) return file_->read(dataset, origin, extent, layout_.stored_as, voxels);
  std::vector<unsigned char> raw(n * bytes);
  file_->read(dataset, origin, extent, layout_.stored_as, raw.data());
  if (order != "zyx") {
    std::vector<unsigned char> turned(raw.size());
    transpose(raw, order, shape, bytes, turned.data());
    raw.swap(turned);
  }
  with_context(fmt::format("'{}', '{}'", file_->path().string(), dataset),
               [&] { store_samples(facts().type, raw.data(), n, voxels); });
}

std::unique_ptr<ImageFile> open_hdf5(const fs::path& file, const OpenOptions& options) {
  auto h5 = std::make_unique<archive::Hdf5File>(file);
  const bool imaris = is_imaris(*h5), bdv = is_bdv(*h5);
  if (!options.dataset.empty() || (!imaris && !bdv)) {
    refuse_series(file, options);
    return open_hdf5_volume(std::move(h5), options.dataset);
  }
  if (imaris) {
    refuse_series(file, options);
    return open_imaris(std::move(h5));
  }
  if (const fs::path xml = fs::path(file).replace_extension(".xml"); fs::exists(xml)) return open_bdv_xml(xml, options);
  refuse_series(file, options);
  return open_bdv_hdf5(std::move(h5));
}

}  // namespace voxflow::interop
