#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "pipeline/archive/image_file.hpp"
#include "pipeline/archive/layout.hpp"
#include "pipeline/archive/ome_xml.hpp"
#include "pipeline/archive/spimdata.hpp"
#include "pipeline/archive/volumes.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/parallel.hpp"
#include "pipeline/core/version.hpp"
#include "pipeline/record/identity.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

namespace {
constexpr std::size_t kCacheBytes = 8 << 20;  // chunks of copies are aligned, so that each finer one is read once

void check_name(const fs::path& file) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  const std::string stem = file.stem().string();
  if (file.extension() == ".h5" && !stem.empty() && stem.find_first_not_of(kAllowed) == std::string::npos) return;
  throw InternalError(
      fmt::format("'{}' cannot name an image file: letters, digits, '_', '-' and then '.h5' are allowed",
                  file.filename().string()));
}

void check_info(const record::ImageInfo& info, DType storage) {
  const auto& n = info.grid.shape;
  if (info.channels.empty() || info.timepoints < 1 || std::min({n[kZ], n[kY], n[kX]}) < 1)
    throw InternalError(fmt::format("an image of {} timepoints, {} channels and {} x {} x {} voxels (z, y, x) is empty",
                                    info.timepoints, info.channel_count(), n[kZ], n[kY], n[kX]));
  if (storage != info.dtype && !(info.dtype == DType::uint32 && storage == DType::uint16))
    throw InternalError(
        fmt::format("voxels of type {} cannot be stored as {}", to_string(info.dtype), to_string(storage)));
  if (info.timepoints > layout::kMaxTimepoints)
    throw UserError(fmt::format("the image has {} timepoints, the file format allows {}; divide the series",
                                info.timepoints, layout::kMaxTimepoints));
  if (info.channel_count() > layout::kMaxChannels)
    throw UserError(fmt::format("the image has {} channels, the file format allows {}; divide the channels",
                                info.channel_count(), layout::kMaxChannels));
}
}  // namespace

struct ImageWriter::Impl {
  Impl(const fs::path& path, const record::ImageInfo& image, DType stored, ChunkChecksum sum)
      : file(path),
        info(image),
        storage(stored),
        checksum(sum),
        levels(pyramid_levels(image.grid)),
        counts(levels.front().counts),
        volume_chunks(static_cast<std::size_t>(count(counts))),
        digests(volume_chunks * static_cast<std::size_t>(info.timepoints * info.channel_count())),
        stored_chunks(digests.size()) {}

  /// A file that was not finished goes.
  ~Impl() {
    if (finished || !created) return;
    const hdf5::Lock lock;
    cells.close();
    h5 = hdf5::Handle();
    std::error_code ignored;  // the folder goes as a whole
    fs::remove(file, ignored);
  }

  /// Runs `step`, then throws SystemError or DiskFullError when a write failed meanwhile.
  template <class F>
  void run(F&& step) {
    const hdf5::Lock lock;
    try {
      with_context(file.string(), step);
    } catch (const SystemError&) {
      if (failure.error == 0) throw;
    }
    if (failure.error != 0) throw_errno(fmt::format("cannot write '{}'", file.string()), failure.error);
  }

  std::size_t first_chunk(int t, int c) const {
    return static_cast<std::size_t>(t * info.channel_count() + c) * volume_chunks;
  }

  void make_setup(int c) {
    const hdf5::Handle group = hdf5::create_group(h5, layout::setup(c));
    hdf5::write_attribute(group, "dataType", std::string(to_string(storage)));
    std::vector<std::array<double, 3>> factors;
    std::vector<std::array<std::int32_t, 3>> chunks;
    for (const Level& level : levels) {
      factors.push_back({static_cast<double>(level.factors[kX]), static_cast<double>(level.factors[kY]),
                         static_cast<double>(level.factors[kZ])});
      chunks.push_back({static_cast<std::int32_t>(level.chunk[kX]), static_cast<std::int32_t>(level.chunk[kY]),
                        static_cast<std::int32_t>(level.chunk[kZ])});
    }
    hdf5::write_rows(group, "resolutions", factors);
    hdf5::write_rows(group, "subdivisions", chunks);
  }

  void make_cells(int t, int c) {
    for (std::size_t l = 0; l < levels.size(); ++l) {
      const auto& s = levels[l].grid.spacing;
      const hdf5::Cells made = hdf5::create_cells(h5, layout::cells(t, c, l), storage, levels[l].grid.shape,
                                                  levels[l].chunk, checksum == ChunkChecksum::fletcher32);
      hdf5::write_attribute(made.dataset, "axistags", std::string(layout::kAxisTags));
      hdf5::write_attribute(made.dataset, "element_size_um",
                            std::array<double, 3>{s[kZ].value, s[kY].value, s[kX].value});
    }
  }

  /// One chunk of a level from the level before. Thread-safe.
  EncodedChunk shrunk(Volumes& volumes, std::size_t level, int t, int c, const Index3& at) const {
    const Level& l = levels[level];
    const Grid& finer = levels[level - 1].grid;
    const Box3 box = intersect({layout::chunk_origin(at, l.chunk), l.chunk}, l.grid.box());
    Box3 from;
    for (std::size_t i = 0; i < 3; ++i) {
      from.origin[i] = box.origin[i] * l.steps[i];
      from.extent[i] = std::min(box.extent[i] * l.steps[i], finer.shape[i] - from.origin[i]);
    }
    thread_local Scratch fine_memory, chunk_memory;
    const auto bytes = [&](const Index3& shape) {
      return static_cast<std::size_t>(count(shape)) * size_bytes(info.dtype);
    };
    std::uint8_t* const fine = fine_memory.get(bytes(from.extent));
    std::uint8_t* const chunk = chunk_memory.get(bytes(l.chunk));
    volumes.read(level - 1, t, c, from, fine, {from.extent[kY] * from.extent[kX], from.extent[kX], 1});
    if (box.extent != l.chunk) std::memset(chunk, 0, bytes(l.chunk));
    reduce(fine, from.extent, l.steps, info.dtype, reduction_of(info.kind), chunk, box.extent, l.chunk);
    return encode_chunk(chunk, static_cast<std::size_t>(count(l.chunk)), info.dtype, storage);
  }

  void make_level(std::size_t level, const FinishOptions& options) {
    const auto chunks = static_cast<std::size_t>(count(levels[level].counts));
    const std::size_t first = level_digests.size(), channels = info.channels.size();
    level_digests.resize(first + chunks * channels * static_cast<std::size_t>(info.timepoints));
    Volumes volumes(file, h5, info, levels, storage, kCacheBytes);
    std::mutex beat_lock;
    for_each_in_parallel(level_digests.size() - first, options.threads, [&](std::size_t i) {
      const auto t = static_cast<int>(i / chunks / channels), c = static_cast<int>(i / chunks % channels);
      const Index3 at = layout::chunk_at(i % chunks, levels[level].counts);
      const EncodedChunk encoded = shrunk(volumes, level, t, c, at);
      run([&] {
        hdf5::write_chunk(cells.get(t, c, level), layout::chunk_origin(at, levels[level].chunk), encoded.bytes);
      });
      level_digests[first + i] = encoded.digest;
      if (!options.sign_of_life) return;
      const std::lock_guard one_at_a_time(beat_lock);
      options.sign_of_life();
    });
    const hdf5::Lock lock;
    volumes.close();
  }

  void check_complete() const {
    const auto hole = std::find(stored_chunks.begin(), stored_chunks.end(), false);
    if (hole == stored_chunks.end()) return;
    const auto number = static_cast<std::size_t>(hole - stored_chunks.begin());
    const int volume = static_cast<int>(number / volume_chunks), channels = info.channel_count();
    throw InternalError(fmt::format(
        "'{}' is not complete: {} was never stored", file.string(),
        layout::chunk_name(volume / channels, volume % channels, layout::chunk_at(number % volume_chunks, counts))));
  }

  Digest content_digest() const {
    std::vector<Digest> volumes;
    for (std::size_t first = 0; first < digests.size(); first += volume_chunks)
      volumes.push_back(record::volume_digest(info, std::span(digests).subspan(first, volume_chunks)));
    return record::image_digest(volumes);
  }

  void write_metadata(const Metadata& metadata, const Digest& content) {
    hdf5::write_text(h5, layout::kImage, info.to_json());
    OmeImageText ome{"", info, {{"content_digest", "sha256:" + content.hex()}}, OmeVoxels::metadata_only};
    ome.info.dtype = storage;
    hdf5::write_text(h5, layout::kOmeXml, format_ome_xml(ome));
    hdf5::write_digests(h5, layout::kChunkDigests, digests);
    if (!level_digests.empty()) hdf5::write_digests(h5, layout::kLevelDigests, level_digests);
    if (!metadata.provenance.empty()) hdf5::write_text(h5, layout::kProvenance, metadata.provenance);
    if (!metadata.annotations.empty()) hdf5::write_text(h5, layout::kAnnotations, metadata.annotations);
    if (!metadata.original.empty()) hdf5::write_text(h5, layout::kOriginal, metadata.original);
  }

  void write_root_attributes(const Digest& content) {
    hdf5::write_attribute(h5, "format", std::string(layout::kFormat));
    hdf5::write_attribute(h5, "format_version", layout::kFormatVersion);
    hdf5::write_attribute(h5, "writer", fmt::format("voxflow {}", kVersion));
    hdf5::write_attribute(h5, "content_digest", content.hex());
  }

  fs::path file;
  record::ImageInfo info;
  DType storage;
  ChunkChecksum checksum;
  std::vector<Level> levels;
  Index3 counts;  // of level 0
  std::size_t volume_chunks;
  std::vector<Digest> digests, level_digests;
  std::vector<bool> stored_chunks;
  hdf5::WriteFailure failure;
  hdf5::Handle h5;
  layout::OpenCells cells{h5, levels, storage};
  bool created = false, finished = false;
};

ImageWriter::ImageWriter(const fs::path& file, const record::ImageInfo& info, DType storage, ChunkChecksum checksum) {
  check_name(file);
  check_info(info, storage);
  impl_ = std::make_unique<Impl>(file, info, storage, checksum);
  impl_->run([&] {
    impl_->h5 = hdf5::create_file(file, impl_->failure);
    impl_->created = true;
    for (int c = 0; c < info.channel_count(); ++c) impl_->make_setup(c);
    for (int t = 0; t < info.timepoints; ++t)
      for (int c = 0; c < info.channel_count(); ++c) impl_->make_cells(t, c);
  });
}

ImageWriter::~ImageWriter() = default;
ImageWriter::ImageWriter(ImageWriter&&) noexcept = default;

void ImageWriter::put(int t, int c, const Index3& chunk, const EncodedChunk& encoded) {
  auto& w = *impl_;
  const bool inside = t >= 0 && t < w.info.timepoints && c >= 0 && c < w.info.channel_count() &&
                      contains({{0, 0, 0}, w.counts}, {chunk, {1, 1, 1}});
  if (!inside) throw InternalError(fmt::format("'{}' has no {}", w.file.string(), layout::chunk_name(t, c, chunk)));
  const std::size_t number = w.first_chunk(t, c) + layout::chunk_number(chunk, w.counts);
  if (w.stored_chunks[number])
    throw InternalError(fmt::format("'{}': {} is stored twice", w.file.string(), layout::chunk_name(t, c, chunk)));
  w.run([&] {
    hdf5::write_chunk(w.cells.get(t, c, 0), layout::chunk_origin(chunk, chunk_shape(w.info.grid)), encoded.bytes);
  });
  w.digests[number] = encoded.digest;
  w.stored_chunks[number] = true;
}

void ImageWriter::put_table(const std::string& tsv) {
  impl_->run([&] { hdf5::write_text(impl_->h5, layout::kObjects, tsv); });
}

Digest ImageWriter::finish(const Metadata& metadata, const FinishOptions& options) {
  auto& w = *impl_;
  w.check_complete();
  for (std::size_t level = 1; level < w.levels.size(); ++level) w.make_level(level, options);
  const Digest content = w.content_digest();
  w.run([&] {
    w.cells.close();
    w.write_metadata(metadata, content);
    w.write_root_attributes(content);
    w.h5.close("write the end of the file");
  });
  fs::path xml = w.file;
  xml.replace_extension(".xml");
  write_file_atomically(xml, spimdata_xml(w.info, w.file.filename().string()));
  w.finished = true;
  return content;
}

std::size_t ImageWriter::finish_bytes(const record::ImageInfo& info, std::size_t threads) {
  // A chunk's eight finer ones, the one that is being decoded, the chunk, and it encoded.
  constexpr std::size_t kChunksAtWork = 11;
  const auto chunk_bytes = static_cast<std::size_t>(count(chunk_shape(info.grid))) * size_bytes(info.dtype);
  return kCacheBytes + threads * kChunksAtWork * chunk_bytes;
}

}  // namespace voxflow::archive
