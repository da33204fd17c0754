#include <doctest/doctest.h>

#include <limits>

#include "tests/run/harness.hpp"

using namespace voxflow;
using namespace voxflow::test;

TEST_CASE("an exact kernel with a mirrored halo gives the same digest for any blocks and threads") {
  for (const Index3& shape : {Index3{1, 1, 1}, Index3{1, 600, 70}, Index3{70, 66, 129}}) {
    const auto image = make_image<std::uint16_t>(image_info(shape, DType::uint16), scrambled);
    run::Job job = make_job<Dilate>({{"image", image}}, {{"radius", std::int64_t{1}}});
    const Digest one = run_job(job).sink.image("image").content_digest();
    CHECK(run_job(job, 2).sink.image("image").content_digest() == one);
    job.blocks = archive::chunk_shape(image->info().grid);
    CHECK(run_job(job, 1).sink.image("image").content_digest() == one);
    CHECK(run_job(job, 2).sink.image("image").content_digest() == one);
  }
}

TEST_CASE("halos larger than the volume are mirrored from all of it") {
  const auto image = make_image<float>(image_info({3, 2, 5}, DType::float32), scrambled);
  const auto out = run_job(make_job<Dilate>({{"image", image}}, {{"radius", std::int64_t{9}}}));
  double top = 0;
  for (std::size_t i = 0; i < 30; ++i) top = std::max(top, scrambled(i));
  CHECK(out.sink.image("image").volume<float>()(0, 0, 0) == static_cast<float>(top));
}

TEST_CASE("outputs take the input's voxel type, rounded half to even, clamped and counted") {
  const auto image = make_image<std::uint8_t>(image_info({1, 1, 4}, DType::uint8),
                                              [](std::size_t i) { return 100.0 * static_cast<double>(i) + 1; });
  const auto out = run_job(make_job<Scale>({{"image", image}}, {{"factor", 2.5}}));
  const auto v = out.sink.image("image").volume<std::uint8_t>();
  CHECK(out.sink.image("image").info.dtype == DType::uint8);
  CHECK(v(0, 0, 0) == 2);    // 2.5
  CHECK(v(0, 0, 1) == 252);  // 252.5
  CHECK(v(0, 0, 2) == 255);
  CHECK(out.result.counters.at("clamped_voxels") == 1);
}
