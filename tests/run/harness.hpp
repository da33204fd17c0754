// Runs test kernels in memory.
#pragma once
#include <cstring>
#include <functional>

#include "pipeline/run/agreement.hpp"
#include "pipeline/run/execute.hpp"
#include "pipeline/run/sources.hpp"
#include "tests/run/test_kernels.hpp"

namespace voxflow::test {

inline record::ImageInfo image_info(const Index3& shape, DType dtype, int timepoints = 1, int channels = 1) {
  record::ImageInfo info;
  info.dtype = dtype, info.grid.shape = shape, info.timepoints = timepoints;
  for (int c = 0; c < channels; ++c) info.channels.push_back({"c" + std::to_string(c), std::nullopt, std::nullopt});
  return info;
}

/// An image whose voxel number i (over all volumes, t-major) is value(i).
template <class T>
std::shared_ptr<const run::ImageSource> make_image(record::ImageInfo info,
                                                   const std::function<double(std::size_t)>& value) {
  info.dtype = dtype_of<T>();
  const std::size_t n = static_cast<std::size_t>(count(info.grid.shape) * info.timepoints * info.channel_count());
  std::vector<T> voxels(n);
  for (std::size_t i = 0; i < n; ++i) voxels[i] = static_cast<T>(value(i));
  std::vector<std::byte> bytes(n * sizeof(T));
  std::memcpy(bytes.data(), voxels.data(), bytes.size());
  return std::make_shared<run::MemorySource>(std::move(info), std::move(bytes));
}

/// Values that look random and are the same everywhere.
inline double scrambled(std::size_t i) {
  std::uint64_t h = i + 0x9e3779b97f4a7c15U;
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9U;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebU;
  return static_cast<double>((h ^ (h >> 31)) % 1000);
}

struct Outcome {
  run::JobResult result;
  run::MemorySink sink;
};

template <class K>
run::Job make_job(std::map<std::string, std::shared_ptr<const run::ImageSource>> images, ParamValues params = {}) {
  run::Job job;
  job.kernel = make_kernel<K>();
  job.params = std::move(params);
  job.images = std::move(images);
  return job;
}

inline Outcome run_job(const run::Job& job, int threads = 1) {
  Outcome out;
  run::RunOptions options;
  options.threads = threads;
  out.result = run::execute(job, run::solo_team(), options, out.sink);
  return out;
}

}  // namespace voxflow::test
