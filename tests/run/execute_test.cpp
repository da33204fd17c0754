// What a job puts out, for every part of the kernel contract, in memory and on one rank.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "tests/run/harness.hpp"

using namespace voxflow;
using namespace voxflow::test;

namespace {
Digest digest_of(const Outcome& out, const std::string& port = "image") {
  return out.sink.image(port).content_digest();
}

// The message of the failure, which must be of this class.
std::string failure(const run::Job& job, const std::string& failure_class) {
  try {
    run_job(job);
  } catch (const run::TaskError& e) {
    CHECK(e.failure_class() == failure_class);
    return e.what();
  }
  return "nothing failed";
}

struct Broken {
  using Params = NoParams;
  static void describe(KernelSchema<Params>& k) {
    k.name("test.broken").version(1).summary("Throws.").nan(NanPolicy::ignored);
    k.input("image", any_real);
    k.output("image", float_image);
  }
  void run(const Params&, const Block& block, Context&) const {
    if (block.slice.c == 1) throw std::runtime_error("no light");
  }
};

// Writes how many threads its block may use.
struct Threads : Broken {
  static void describe(KernelSchema<Params>& k) {
    Broken::describe(k);
    k.name("test.threads");
  }
  void run(const Params&, const Block& block, Context& ctx) const {
    const auto out = block.output();
    std::fill_n(out.data(), count(out.shape()), static_cast<float>(ctx.threads()));
  }
};

struct Greedy : Broken {
  static void describe(KernelSchema<Params>& k) {
    Broken::describe(k);
    k.name("test.greedy");
  }
  void run(const Params&, const Block&, Context&) const { throw std::bad_alloc(); }
};
}  // namespace

TEST_CASE("an exact kernel with a mirrored halo gives the same digest for any blocks and threads") {
  for (const Index3& shape : {Index3{1, 1, 1}, Index3{1, 600, 70}, Index3{70, 66, 129}}) {
    const auto image = make_image<std::uint16_t>(image_info(shape, DType::uint16), scrambled);
    run::Job job = make_job<Dilate>({{"image", image}}, {{"radius", std::int64_t{1}}});
    const Digest one = digest_of(run_job(job));
    CHECK(digest_of(run_job(job, 2)) == one);
    job.blocks = archive::chunk_shape(image->info().grid);
    CHECK(digest_of(run_job(job, 1)) == one);
    CHECK(digest_of(run_job(job, 2)) == one);
  }
}

TEST_CASE("fewer blocks than threads share the threads among them") {
  const auto image = make_image<float>(image_info({1, 1024, 64}, DType::float32), scrambled);
  run::Job job = make_job<Threads>({{"image", image}});
  const auto threads_of_a_block = [&](const Index3& blocks, int threads) {
    job.blocks = blocks;
    return run_job(job, threads).sink.image("image").volume<float>()(0, 0, 0);
  };
  CHECK(threads_of_a_block({1, 1024, 64}, 3) == 3);
  CHECK(threads_of_a_block({1, 512, 64}, 5) == 2);
  CHECK(threads_of_a_block({1, 512, 64}, 2) == 1);
}

TEST_CASE("halos larger than the volume are mirrored from all of it") {
  const auto image = make_image<float>(image_info({3, 2, 5}, DType::float32), scrambled);
  const auto out = run_job(make_job<Dilate>({{"image", image}}, {{"radius", std::int64_t{9}}}));
  double top = 0;
  for (std::size_t i = 0; i < 30; ++i) top = std::max(top, scrambled(i));
  CHECK(out.sink.image("image").volume<float>()(0, 0, 0) == static_cast<float>(top));
}

TEST_CASE("outputs take the input's voxel type, rounded half to even, clamped and counted") {
  const auto image = make_image<std::uint8_t>(image_info({1, 1, 3}, DType::uint8),
                                              [](std::size_t i) { return 100.0 * static_cast<double>(i) + 1; });
  const auto out = run_job(make_job<Scale>({{"image", image}}, {{"factor", 2.5}}));
  const auto v = out.sink.image("image").volume<std::uint8_t>();
  CHECK(out.sink.image("image").info.dtype == DType::uint8);
  CHECK(v(0, 0, 0) == 2);    // 2.5
  CHECK(v(0, 0, 1) == 252);  // 252.5
  CHECK(v(0, 0, 2) == 255);  // 502.5
  CHECK(out.result.counters.at("clamped_voxels") == 1);
}

TEST_CASE("every timepoint and channel is processed, and names, spacing and time step travel to the output") {
  auto info = image_info({2, 3, 4}, DType::uint16, 3, 2);
  info.time_step_s = 5, info.grid.spacing[kZ] = {0.5};
  const auto image = make_image<std::uint16_t>(info, [](std::size_t i) { return static_cast<double>(i); });
  const auto out = run_job(make_job<Scale>({{"image", image}}, {{"factor", 2.0}}), 2);
  const auto& result = out.sink.image("image");
  CHECK(result.info.channels == info.channels);
  CHECK(result.info.time_step_s == info.time_step_s);
  CHECK(result.info.grid == info.grid);
  CHECK(result.volume<std::uint16_t>(2, 1)(1, 2, 3) == 2 * (6 * 24 - 1));
}

TEST_CASE("channels and timepoints narrow the first input, in the order given") {
  auto info = image_info({1, 1, 2}, DType::uint16, 4, 3);
  info.time_step_s = 5;
  const auto image = make_image<std::uint16_t>(info, [](std::size_t i) { return static_cast<double>(i); });
  run::Job job = make_job<Scale>({{"image", image}}, {{"factor", 1.0}});
  job.channels = {2, 0}, job.timepoints = {1, 3};
  const auto out = run_job(job);
  const auto& result = out.sink.image("image");
  CHECK(result.info.timepoints == 2);
  CHECK(result.info.time_step_s == 10.0);
  CHECK(result.info.channels[0].name == "c2");
  CHECK(result.volume<std::uint16_t>(1, 0)(0, 0, 0) == (3 * 3 + 2) * 2);
  job.channels = {3};
  CHECK(failure(job, "user_error") == "channel 3 of input 'image' is wanted, allowed are 0 to 2");
}

TEST_CASE("parameters may differ between channels") {
  const auto image =
      make_image<std::uint16_t>(image_info({1, 1, 1}, DType::uint16, 1, 2), [](std::size_t) { return 7.0; });
  run::Job job = make_job<Scale>({{"image", image}}, {{"factor", 1.0}});
  job.params_by_channel[1] = {{"factor", 3.0}};
  const auto out = run_job(job);
  CHECK(out.sink.image("image").volume<std::uint16_t>(0, 0)(0, 0, 0) == 7);
  CHECK(out.sink.image("image").volume<std::uint16_t>(0, 1)(0, 0, 0) == 21);
}

TEST_CASE("a survey sees every core once, is merged in block order, and reaches run and emit") {
  const auto image = make_image<std::uint16_t>(image_info({70, 66, 129}, DType::uint16, 1, 2), scrambled);
  run::Job job = make_job<AboveMean>({{"image", image}});
  job.blocks = Index3{64, 64, 64};
  const auto out = run_job(job, 2);
  const Table& table = out.result.small.tables.at("mean");
  CHECK(table.to_tsv().starts_with("timepoint\tchannel\tmean\n0\t0\t"));
  CHECK(table.rows() == 2);
  double sum = 0;
  const std::size_t n = 70 * 66 * 129;
  for (std::size_t i = n; i < 2 * n; ++i) sum += scrambled(i);
  CHECK(std::get<std::vector<double>>(table.column("mean").values)[1] == sum / static_cast<double>(n));
  CHECK(out.sink.image("mask").volume<std::uint8_t>(0, 1)(0, 0, 0) == (scrambled(n) > sum / static_cast<double>(n)));
  CHECK(out.sink.image("mask").info.kind == record::ImageKind::mask);
}

TEST_CASE("components are merged across blocks, counted and stored as small as they fit") {
  auto info = image_info({70, 66, 129}, DType::uint8);
  info.kind = record::ImageKind::mask;
  const auto mask = make_image<std::uint8_t>(info, [](std::size_t i) { return scrambled(i) < 250 ? 1.0 : 0.0; });
  run::Job job = make_job<Components>({{"mask", mask}});
  const auto whole = run_job(job);
  job.blocks = Index3{64, 64, 64};
  const auto blocks = run_job(job, 2);
  CHECK(digest_of(blocks, "labels") == digest_of(whole, "labels"));
  const auto v = whole.sink.image("labels").volume<std::uint32_t>();
  const std::uint32_t largest = *std::max_element(v.data(), v.data() + count(v.shape()));
  CHECK(whole.result.objects.at("labels") == largest);
  CHECK(blocks.result.objects.at("labels") == largest);
  CHECK(whole.sink.image("labels").storage == (largest <= 65535 ? DType::uint16 : DType::uint32));
}

TEST_CASE("labels that a kernel numbers itself are counted, and stored by the largest") {
  const auto image = make_image<std::uint8_t>(image_info({1, 2, 3}, DType::uint8),
                                              [](std::size_t i) { return static_cast<double>(i % 3); });
  const auto small = run_job(make_job<ValuesAsLabels>({{"image", image}}, {{"factor", 1000.0}}));
  CHECK(small.result.objects.at("labels") == 2);
  CHECK(small.sink.image("labels").storage == DType::uint16);
  const auto large = run_job(make_job<ValuesAsLabels>({{"image", image}}, {{"factor", 40000.0}}));
  CHECK(large.sink.image("labels").storage == DType::uint32);
  CHECK(large.sink.image("labels").volume<std::uint32_t>()(0, 0, 2) == 80000);
}

TEST_CASE("a footprint and an output grid of the kernel's own, with the outermost voxels extended") {
  const auto image = make_image<std::uint16_t>(image_info({2, 3, 5}, DType::uint16),
                                               [](std::size_t i) { return static_cast<double>(i); });
  const auto out = run_job(make_job<Shift>({{"image", image}}));
  const auto v = out.sink.image("image").volume<std::uint16_t>();
  CHECK(v.shape() == Index3{2, 3, 3});
  for (Index z = 0; z < 2; ++z)
    for (Index y = 0; y < 3; ++y)
      for (Index x = 0; x < 3; ++x)
        CHECK(v(z, y, x) ==
              (std::min<Index>(z + 1, 1) * 3 + std::min<Index>(y + 2, 2)) * 5 + std::max<Index>(x - 3, 0));
}

TEST_CASE("a kernel of whole volumes gets them whole") {
  const auto image = make_image<std::uint16_t>(image_info({70, 66, 129}, DType::uint16, 2), scrambled);
  const auto out = run_job(make_job<Normalise>({{"image", image}}), 2);
  const auto v = out.sink.image("image").volume<float>(1);
  CHECK(*std::max_element(v.data(), v.data() + count(v.shape())) == 1.0F);
  CHECK(out.sink.image("image").info.dtype == DType::float32);
}

TEST_CASE("a kernel that sees all channels gets and fills them in one call") {
  const auto image = make_image<std::uint16_t>(image_info({2, 2, 2}, DType::uint16, 2, 3), scrambled);
  const auto out = run_job(make_job<ChannelMax>({{"image", image}}));
  for (int c = 0; c < 3; ++c) {
    const double top = std::max({scrambled(24), scrambled(32), scrambled(40)});
    CHECK(out.sink.image("image").volume<std::uint16_t>(1, c)(0, 0, 0) == static_cast<std::uint16_t>(top));
  }
}

TEST_CASE(
    "a second image of one channel serves all channels, optional inputs may be missing, states come from small "
    "inputs") {
  const auto image = make_image<float>(image_info({1, 1, 2}, DType::float32, 1, 3),
                                       [](std::size_t i) { return static_cast<double>(i); });
  const auto other = make_image<std::uint8_t>(image_info({1, 1, 2}, DType::uint8),
                                              [](std::size_t i) { return 10.0 * static_cast<double>(i + 1); });
  CHECK(run_job(make_job<Add>({{"image", image}})).sink.image("sum").volume<float>(0, 2)(0, 0, 1) == 5);
  run::Job job = make_job<Add>({{"image", image}, {"other", other}});
  TransformSet offset;
  offset.entries.push_back({-1, -1, {}});
  offset.entries[0].transform.translation_um[kZ] = 100;
  job.small.values["offset"] = offset;
  CHECK(run_job(job).sink.image("sum").volume<float>(0, 2)(0, 0, 1) == 125);
}

TEST_CASE("a whole task's output can be the next one's input without a file") {
  const auto image = make_image<std::uint16_t>(image_info({8, 9, 10}, DType::uint16), scrambled);
  const auto first = run_job(make_job<AboveMean>({{"image", image}}));
  const auto second = run_job(make_job<Components>({{"mask", first.sink.source("mask")}}));
  CHECK(second.result.objects.at("labels") > 0);
}

TEST_CASE("NaN voxels are counted, once each, or refused with their place") {
  const auto image = make_image<float>(image_info({2, 2, 70}, DType::float32, 1, 2), [](std::size_t i) {
    return i == 280 + 141 ? std::numeric_limits<double>::quiet_NaN() : 1.0;
  });
  run::Job dilate = make_job<Dilate>({{"image", image}});
  CHECK(run_job(dilate).result.counters.at("nan_voxels") == 1);
  CHECK(failure(make_job<Scale>({{"image", image}}), "user_error") ==
        "timepoint 0, channel 1, block at 0, 0, 0 (z, y, x): input 'image' is NaN at timepoint 0, channel 1, voxel 1, "
        "0, 1 (z, y, "
        "x), which this "
        "kernel does not accept; replace or crop such voxels first");
}

TEST_CASE("what a kernel throws is a kernel error that says where") {
  const auto image = make_image<float>(image_info({1, 1, 2}, DType::float32, 1, 2), scrambled);
  CHECK(failure(make_job<Broken>({{"image", image}}), "kernel_error") ==
        "timepoint 0, channel 1, block at 0, 0, 0 (z, y, x): kernel 'test.broken': no light");
  CHECK(failure(make_job<Greedy>({{"image", image}}), "out_of_memory") ==
        "timepoint 0, channel 0, block at 0, 0, 0 (z, y, x): the memory given to the task ran out; give the step more "
        "memory");
}

TEST_CASE("too little memory for one block is refused before any voxel is read") {
  const auto image = make_image<float>(image_info({2, 3, 4}, DType::float32), scrambled);
  run::Job job = make_job<Scale>({{"image", image}});
  job.memory_bytes = 1'000'000;
  CHECK(failure(job, "too_little_memory") ==
        "one rank of kernel 'test.scale' needs 75 MB (threads at work: 1) and is given 1.0 MB; give the step "
        "more memory, fewer ranks or fewer threads");
}

TEST_CASE("a cancelled job ends as cancelled") {
  const auto image = make_image<float>(image_info({2, 3, 4}, DType::float32), scrambled);
  const std::atomic<bool> cancel{true};
  run::RunOptions options;
  options.cancel = &cancel;
  run::MemorySink sink;
  try {
    run::execute(make_job<Scale>({{"image", image}}), run::solo_team(), options, sink);
    CHECK(false);
  } catch (const run::TaskError& e) {
    CHECK(e.failure_class() == "cancelled");
  }
}

TEST_CASE("progress is told block by block") {
  const auto image = make_image<std::uint16_t>(image_info({1, 1, 2}, DType::uint16, 5), scrambled);
  std::vector<std::size_t> done;
  run::RunOptions options;
  options.progress = [&](std::size_t n, std::size_t total) {
    CHECK(total == 5);
    done.push_back(n);
  };
  run::MemorySink sink;
  run::execute(make_job<Scale>({{"image", image}}), run::solo_team(), options, sink);
  CHECK(done == std::vector<std::size_t>{1, 2, 3, 4, 5});
}

TEST_CASE("groups of slices are surveyed one at a time and merged in order, for any threads") {
  const auto image = make_image<std::uint16_t>(image_info({4, 5, 6}, DType::uint16, 2, 3), [](std::size_t i) {
    return 100.0 * static_cast<double>(i / 120) * static_cast<double>(i / 120);  // one value a volume
  });
  const run::Job job = make_job<ChannelSteps>({{"image", image}});
  const auto outcome = run_job(job);
  const Table& steps = outcome.result.small.tables.at("steps");
  CHECK(std::get<std::vector<std::int64_t>>(steps.column("at").values) == std::vector<std::int64_t>{0, 0, 1, 1});
  CHECK(std::get<std::vector<std::int64_t>>(steps.column("from").values) == std::vector<std::int64_t>{0, 1, 0, 1});
  CHECK(std::get<std::vector<std::int64_t>>(steps.column("to").values) == std::vector<std::int64_t>{1, 2, 1, 2});
  CHECK(std::get<std::vector<double>>(steps.column("step").values) == std::vector<double>{100, 300, 700, 900});
  CHECK(run_job(job, 3).result.small.tables.at("steps").to_tsv() == steps.to_tsv());
}

TEST_CASE("groups follow the channels and timepoints that a task is narrowed to") {
  const auto image = make_image<std::uint16_t>(image_info({4, 5, 6}, DType::uint16, 2, 3),
                                               [](std::size_t i) { return static_cast<double>(i / 120); });
  run::Job job = make_job<ChannelSteps>({{"image", image}});
  job.channels = {0, 2}, job.timepoints = {1};
  const auto outcome = run_job(job);
  const Table& steps = outcome.result.small.tables.at("steps");
  CHECK(std::get<std::vector<std::int64_t>>(steps.column("at").values) == std::vector<std::int64_t>{1});
  CHECK(std::get<std::vector<std::int64_t>>(steps.column("to").values) == std::vector<std::int64_t>{2});
  CHECK(std::get<std::vector<double>>(steps.column("step").values) == std::vector<double>{2});
}

TEST_CASE("an error in a group names its slices, and a kernel must name slices that are there") {
  const auto image = make_image<float>(image_info({4, 5, 6}, DType::float32, 1, 2), [](std::size_t i) {
    return i == 125 ? std::numeric_limits<double>::quiet_NaN() : 0;
  });
  CHECK(failure(make_job<ChannelSteps>({{"image", image}}), "user_error")
            .find("timepoint 0, channel 0 and timepoint 0, channel 1: input 'image' is NaN") != std::string::npos);
  struct Beyond : ChannelSteps {
    std::vector<SliceGroup> groups(const Params&, const SliceAxes&) const { return {{{0, 7}}}; }
  };
  CHECK(failure(make_job<Beyond>({{"image", image}}), "internal_error").find("timepoint 0, channel 7") !=
        std::string::npos);
  struct None : ChannelSteps {
    std::vector<SliceGroup> groups(const Params&, const SliceAxes&) const { return {}; }
  };
  CHECK(failure(make_job<None>({{"image", image}}), "internal_error").find("no group of slices") != std::string::npos);
}
