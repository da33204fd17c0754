#include "pipeline/interop/tiff_writer.hpp"

#include <bit>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/interop/tiff_layout.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

static_assert(std::endian::native == std::endian::little, "voxels are written as they lie in memory");

struct TiffWriter::Impl {
  Impl(const fs::path& file, const TiffStack& what, Existing existing) : stack(what), out(file, existing) {
    layout = stack.profile == TiffProfile::ome ? ome_layout(stack, out, ome_form(stack)) : imagej_layout(stack, out);
  }

  std::uint64_t rows() const { return plane_count(stack) * static_cast<std::uint64_t>(stack.shape[kY]); }

  void check(int t, int c, const Box3& box) const {
    const Index step = layout->row_step();
    const bool whole_rows = box.origin[kX] == 0 && box.extent[kX] == stack.shape[kX];
    const bool steps = box.origin[kY] % step == 0 && (box.extent[kY] % step == 0 || box.end(kY) == stack.shape[kY]);
    if (t < 0 || t >= stack.timepoints || c < 0 || c >= stack.channels || box.empty() ||
        !contains({{0, 0, 0}, stack.shape}, box) || !whole_rows || !steps)
      throw InternalError(fmt::format("'{}': a box does not lie on its rows", out.file().string()));
  }

  TiffStack stack;
  OutputFile out;
  std::unique_ptr<TiffLayout> layout;
  std::uint64_t written = 0, next_plane = 0;
};

TiffWriter::TiffWriter(const fs::path& file, const TiffStack& stack, Existing existing)
    : impl_(std::make_unique<Impl>(file, stack, existing)) {}

TiffWriter::~TiffWriter() = default;

Index TiffWriter::row_step() const {
  return impl_->layout->row_step();
}

void TiffWriter::write(int t, int c, const Box3& box, const void* voxels) {
  impl_->check(t, c, box);
  impl_->layout->write(t, c, box, voxels);
  impl_->written += static_cast<std::uint64_t>(box.extent[kZ] * box.extent[kY]);
}

void TiffWriter::write_plane(const void* voxels) {
  const TiffStack& stack = impl_->stack;
  if (impl_->next_plane == plane_count(stack)) throw InternalError("more planes were written to a TIFF than it holds");
  const auto n = static_cast<Index>(impl_->next_plane++);
  const Index z = n / stack.channels % stack.shape[kZ];
  write(static_cast<int>(n / stack.channels / stack.shape[kZ]), static_cast<int>(n % stack.channels),
        {{z, 0, 0}, {1, stack.shape[kY], stack.shape[kX]}}, voxels);
}

void TiffWriter::finish() {
  if (impl_->written != impl_->rows())
    throw InternalError(fmt::format("'{}' holds {} rows, but {} were written", impl_->out.file().string(),
                                    impl_->rows(), impl_->written));
  impl_->layout->finish();
  impl_->out.commit();
}

}  // namespace voxflow::interop
