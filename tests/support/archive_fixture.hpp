// An archive in a temporary folder with synthetic acquisitions, and tasks on them.
#pragma once
#include <cstring>
#include <functional>

#include "pipeline/archive/artifact.hpp"
#include "pipeline/record/task.hpp"
#include "tests/support/temporary.hpp"

namespace voxflow::test {

/// The archive, and what a test puts into it.
class ArchiveFixture {
 public:
  ArchiveFixture() : archive(archive::Archive::create(folder / "archive")) {}

  /// Publishes an acquisition whose voxel number i of each volume is value(i); returns where it is.
  template <class T>
  record::TaskInput acquire(record::ImageInfo info, const std::function<double(std::size_t)>& value) {
    info.dtype = dtype_of<T>();
    archive::ArtifactBuilder builder(archive, "test/acquisitions/new");
    record::Manifest m;
    m.kind = "acquisition", m.project = "test", m.name = "synthetic";
    Digest digest;
    {
      archive::ImageWriter writer(builder.folder() / "data.h5", info, info.dtype);
      write_chunks<T>(info, value, writer);
      digest = writer.finish({});
    }
    record::Output out;
    out.port = "image", out.kind = std::string(to_string(info.kind)), out.file = "data.h5";
    out.content_digest = digest, out.image = info;
    m.outputs = {out};
    const std::string artifact = record::acquisition_folder("test", digest);
    builder.retarget(artifact);
    builder.publish(m);
    return {"image", record::content_id(digest), artifact, "image"};
  }

  /// A task of one kernel on these inputs.
  record::Task task(const std::string& kernel, const std::string& params, std::vector<record::TaskInput> inputs) const {
    record::Task t;
    t.identity.kernel = kernel, t.identity.version = 1, t.identity.params = params;
    for (const auto& i : inputs) t.identity.inputs[i.port] = i.id;
    t.inputs = std::move(inputs);
    t.key = t.identity.key();
    t.project = "test", t.workflow = "w", t.step = kernel, t.image = "synthetic", t.run = "r";
    t.artifact = record::result_folder("test", t.key);
    return t;
  }

  /// The same task under another key, so that it runs again.
  record::Task again(record::Task t, int number) const {
    t.key = sha256(t.key.hex() + std::to_string(number));
    t.artifact = record::result_folder("test", t.key);
    return t;
  }

  TestFolder folder;
  archive::Archive archive;

 private:
  template <class T>
  static void write_chunks(const record::ImageInfo& info, const std::function<double(std::size_t)>& value,
                           archive::ImageWriter& writer) {
    const Index3 shape = archive::chunk_shape(info.grid), counts = archive::chunk_counts(info.grid),
                 n = info.grid.shape;
    for (int t = 0; t < info.timepoints; ++t)
      for (int c = 0; c < info.channel_count(); ++c)
        for (Index cz = 0; cz < counts[kZ]; ++cz)
          for (Index cy = 0; cy < counts[kY]; ++cy)
            for (Index cx = 0; cx < counts[kX]; ++cx) {
              std::vector<T> voxels(static_cast<std::size_t>(count(shape)));
              const Box3 box{{cz * shape[kZ], cy * shape[kY], cx * shape[kX]}, shape};
              for (Index z = 0; z < shape[kZ]; ++z)
                for (Index y = 0; y < shape[kY]; ++y)
                  for (Index x = 0; x < shape[kX]; ++x) {
                    const Index3 p{box.origin[kZ] + z, box.origin[kY] + y, box.origin[kX] + x};
                    if (p[kZ] < n[kZ] && p[kY] < n[kY] && p[kX] < n[kX])
                      voxels[static_cast<std::size_t>((z * shape[kY] + y) * shape[kX] + x)] =
                          static_cast<T>(value(static_cast<std::size_t>((p[kZ] * n[kY] + p[kY]) * n[kX] + p[kX])));
                  }
              writer.put(t, c, {cz, cy, cx},
                         archive::encode_chunk(voxels.data(), voxels.size(), info.dtype, info.dtype));
            }
  }
};

}  // namespace voxflow::test
