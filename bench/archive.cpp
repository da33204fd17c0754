// What bench/archive.py runs beside h5py: bench_archive VOXELS.u16 Z Y X OUT.h5 THREADS writes the volume, reads it
// back whole and opens boxes of one chunk; prints a line "NAME VALUE" for each figure, times in seconds.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "bench/bench.hpp"
#include "pipeline/archive/image_file.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/parallel.hpp"

using namespace voxflow;
using bench::seconds_since;

namespace {
using Voxels = std::vector<std::uint16_t>;

void print(const char* name, double value) {
  fmt::print("{} {:.6f}\n", name, value);
}

/// Copies one chunk of the volume to `voxels`, zero outside.
void cut(const Voxels& volume, const Grid& grid, const Index3& chunk, const Index3& at, Voxels& voxels) {
  voxels.resize(static_cast<std::size_t>(count(chunk)));
  const Box3 whole{{at[kZ] * chunk[kZ], at[kY] * chunk[kY], at[kX] * chunk[kX]}, chunk};
  const Box3 box = intersect(whole, grid.box());
  if (box != whole) std::fill(voxels.begin(), voxels.end(), 0);
  for (Index z = 0; z < box.extent[kZ]; ++z)
    for (Index y = 0; y < box.extent[kY]; ++y)
      std::memcpy(voxels.data() + (z * chunk[kY] + y) * chunk[kX],
                  volume.data() + ((box.origin[kZ] + z) * grid.shape[kY] + box.origin[kY] + y) * grid.shape[kX] +
                      box.origin[kX],
                  static_cast<std::size_t>(box.extent[kX]) * sizeof(std::uint16_t));
}

std::vector<Index3> all_chunks(const Grid& grid) {
  std::vector<Index3> chunks;
  const Index3 n = archive::chunk_counts(grid);
  for (Index z = 0; z < n[kZ]; ++z)
    for (Index y = 0; y < n[kY]; ++y)
      for (Index x = 0; x < n[kX]; ++x) chunks.push_back({z, y, x});
  return chunks;
}

void write(const std::filesystem::path& file, const record::ImageInfo& info, const Voxels& volume,
           std::size_t threads) {
  const Index3 chunk = archive::chunk_shape(info.grid);
  const auto chunks = all_chunks(info.grid);
  const auto start = std::chrono::steady_clock::now();
  archive::ImageWriter writer(file, info, info.dtype);
  for (std::size_t first = 0; first < chunks.size(); first += 16 * threads) {
    const auto some = std::span(chunks).subspan(first, std::min(16 * threads, chunks.size() - first));
    std::vector<archive::EncodedChunk> encoded(some.size());
    for_each_in_parallel(some.size(), threads, [&](std::size_t i) {
      thread_local Voxels voxels;
      cut(volume, info.grid, chunk, some[i], voxels);
      encoded[i] = archive::encode_chunk(voxels.data(), voxels.size(), info.dtype, info.dtype);
    });
    for (std::size_t i = 0; i < some.size(); ++i) writer.put(0, 0, some[i], encoded[i]);
  }
  print("write", seconds_since(start));
  const auto copies = std::chrono::steady_clock::now();
  writer.finish({}, {threads, {}});
  print("smaller_copies", seconds_since(copies));
}

struct Free {
  void operator()(std::uint16_t* p) const { std::free(p); }
};

/// Untouched, and of large pages where the system has some, as numpy asks for h5py.
std::unique_ptr<std::uint16_t[], Free> memory_like_numpys(std::size_t n) {
  constexpr std::size_t kLargePage = std::size_t{2} << 20;
  const std::size_t bytes = (n * sizeof(std::uint16_t) + kLargePage - 1) / kLargePage * kLargePage;
  std::unique_ptr<std::uint16_t[], Free> memory(static_cast<std::uint16_t*>(std::aligned_alloc(kLargePage, bytes)));
  if (!memory) throw std::bad_alloc();
  ::madvise(memory.get(), bytes, MADV_HUGEPAGE);
  return memory;
}

void read(const std::filesystem::path& file, const Voxels& volume, std::size_t threads) {
  const auto start = std::chrono::steady_clock::now();
  const archive::ImageReader reader(file);
  const Grid grid = reader.info().grid;
  const Index3 chunk = archive::chunk_shape(grid);
  const auto chunks = all_chunks(grid);
  const auto back = memory_like_numpys(volume.size());
  const VolumeView<std::uint16_t> whole(back.get(), grid.shape);
  for_each_in_parallel(chunks.size(), threads, [&](std::size_t i) {
    const Index3& at = chunks[i];
    const Box3 box = intersect({{at[kZ] * chunk[kZ], at[kY] * chunk[kY], at[kX] * chunk[kX]}, chunk}, grid.box());
    reader.read(0, 0, box, whole.sub(box));
  });
  print("read", seconds_since(start));
  if (!std::equal(volume.begin(), volume.end(), back.get())) {
    fmt::print(stderr, "bench_archive: error: what was read is not what was written\n");
    std::exit(1);
  }
}

void open_boxes(const std::filesystem::path& file) {
  double worst = 0;
  for (int i = 0; i < 50; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const archive::ImageReader reader(file);
    const Index3 chunk = archive::chunk_shape(reader.info().grid), n = archive::chunk_counts(reader.info().grid);
    const Index at = i * 7919 % std::max<Index>(n[kY] - 1, 1);
    Voxels part(static_cast<std::size_t>(count(chunk)));
    reader.read(0, 0, {{0, at * chunk[kY], 0}, chunk}, VolumeView<std::uint16_t>(part.data(), chunk));
    worst = std::max(worst, seconds_since(start));
  }
  print("open_one_chunk", worst);
}
}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  record::ImageInfo info;
  info.dtype = DType::uint16;
  info.grid = {{std::atol(argv[2]), std::atol(argv[3]), std::atol(argv[4])}, {{{0.2}, {0.2}, {0.2}}}};
  info.channels.push_back({"DAPI", std::nullopt, std::nullopt});
  const std::string bytes = read_file(argv[1]);
  Voxels volume(bytes.size() / sizeof(std::uint16_t));
  std::memcpy(volume.data(), bytes.data(), bytes.size());
  const std::filesystem::path file = argv[5];
  const auto threads = static_cast<std::size_t>(std::atoi(argv[6]));
  write(file, info, volume, threads);
  read(file, volume, threads);
  open_boxes(file);
  return 0;
}
