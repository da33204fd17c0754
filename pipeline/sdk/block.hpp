// What a kernel is given to work on: one block of every volumetric port, the small inputs whole, and a Context.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pipeline/core/bytes.hpp"
#include "pipeline/core/dtype.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/geometry.hpp"
#include "pipeline/core/table.hpp"
#include "pipeline/core/transform.hpp"
#include "pipeline/core/volume_view.hpp"
#include "pipeline/sdk/schema.hpp"

namespace voxflow {

/// Which timepoint and channel a call is for; -1 on an axis of which the call sees all.
struct Slice {
  int t = -1, c = -1;
  friend auto operator<=>(const Slice&, const Slice&) = default;
};

/// What a task has of the axes t and c: the indices that kernels are told.
struct SliceAxes {
  std::vector<int> timepoints, channels;
};

/// Slices of the image that one call of `survey` sees together, in this order.
using SliceGroup = std::vector<Slice>;

/// A point spread function: sums to 1, centred, with its own grid.
struct Psf {
  Grid grid;
  std::vector<float> voxels;
};

/// A small input or output, which is passed whole.
using SmallValue = std::variant<Table, TransformSet, Psf>;
using SmallValues = std::map<std::string, SmallValue>;

/// Geometry of a task's ports as the kernel sees them before any voxel is read.
struct Geometry {
  Grid grid;                          // of the first volumetric input
  std::map<std::string, Grid> grids;  // of every volumetric input, by port
  int timepoints = 1, channels = 1;   // of the first volumetric input, as the step narrows it
  SmallValues small;                  // table, transform and psf inputs, by port
  std::set<std::string> connected;    // ports of all inputs, those with small values that are not known yet among them
  /// The small input at `port`. Throws InternalError when there is none of that type.
  template <class T>
  const T& small_input(std::string_view port) const {
    const auto it = small.find(std::string(port));
    if (it == small.end() || !std::holds_alternative<T>(it->second))
      throw InternalError("the kernel has no small input '" + std::string(port) + "' of that type");
    return std::get<T>(it->second);
  }
};

/// Services of the process that runs the kernel. Thread-safe.
class Context {
 public:
  Context() = default;
  /// `pulse` is counted up at each question, which tells a working kernel from one that hangs.
  Context(int threads, const std::atomic<bool>* cancel, std::atomic<std::uint64_t>* pulse = nullptr)
      : threads_(threads), cancel_(cancel), pulse_(pulse) {}
  /// True when the task is to stop; asked at least once in each z plane, and answered by returning at once.
  bool cancelled() const {
    if (pulse_ != nullptr) pulse_->fetch_add(1, std::memory_order_relaxed);
    return cancel_ != nullptr && cancel_->load(std::memory_order_relaxed);
  }
  /// Threads that this call may use: more than 1 with fewer blocks than threads. The result must not depend on it.
  int threads() const { return threads_; }

 private:
  int threads_ = 1;
  const std::atomic<bool>* cancel_ = nullptr;
  std::atomic<std::uint64_t>* pulse_ = nullptr;
};

/// A volume of voxels without its C++ type; `box` is in the coordinates of the port's volume.
struct ErasedVolume {
  void* data = nullptr;
  DType dtype = DType::float32;
  Box3 box;
};

/// One block: for every volumetric input the voxels that the output core needs, for every volumetric output the core.
/// Images are float in memory (integer images convert exactly; outputs are rounded half to even and clamped to the
/// port's voxel type), labels are uint32, masks are uint8 (0 or 1).
class Block {
 public:
  struct Port {
    std::string name;
    std::vector<ErasedVolume> slices;  // one; or one a timepoint/channel where the kernel sees all of an axis, t-major
    std::vector<Slice> places;         // of inputs: timepoint and channel of each slice in that input's image
  };

  Box3 core;  // of the output, in output voxels
  Halo halo;  // what an input of border mirror or extend has around the core; zero with a footprint
  Slice slice;
  Grid grid;  // of the output
  std::vector<Port> inputs, outputs;

  /// The input's voxels; the first one is at box(port).origin.
  template <class T = float>
  VolumeView<const T> input(std::string_view port = "image", std::size_t slice_index = 0) const {
    return view<const T>(find(inputs, port), slice_index);
  }
  template <class T = float>
  VolumeView<T> output(std::string_view port = "image", std::size_t slice_index = 0) const {
    return view<T>(find(outputs, port), slice_index);
  }
  /// Where the input's voxels lie in that input's volume; origin may be negative for borders mirror and extend.
  const Box3& box(std::string_view port = "image") const { return find(inputs, port).slices.at(0).box; }
  /// Timepoint and channel of one of the input's slices.
  const Slice& place(std::string_view port = "image", std::size_t slice_index = 0) const {
    return find(inputs, port).places.at(slice_index);
  }
  /// Number of slices at the input; 0 when an optional input is not connected.
  std::size_t slices(std::string_view port = "image") const {
    for (const Port& p : inputs)
      if (p.name == port) return p.slices.size();
    return 0;
  }

 private:
  static const Port& find(const std::vector<Port>& ports, std::string_view name) {
    for (const Port& p : ports)
      if (p.name == name) return p;
    throw InternalError("the kernel has no volumetric port '" + std::string(name) + "' here");
  }
  template <class T>
  static VolumeView<T> view(const Port& p, std::size_t i) {
    const ErasedVolume& v = p.slices.at(i);
    if (v.dtype != dtype_of<T>()) throw InternalError("port '" + p.name + "' holds " + std::string(to_string(v.dtype)));
    return {static_cast<T*>(v.data), v.box.extent};
  }
};

}  // namespace voxflow
