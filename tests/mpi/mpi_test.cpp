// The runner over real MPI launches of voxflow-worker: the same digests for any ranks and threads, and errors that
// ranks agree on.
#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <limits>

#include "pipeline/core/text.hpp"
#include "pipeline/supervise/protocol.hpp"
#include "tests/support/archive_fixture.hpp"

using namespace voxflow;
using namespace voxflow::test;

namespace {
double scrambled(std::size_t i) {
  return static_cast<double>(i * 2654435761U % 1009);
}

record::ImageInfo info_of(const Index3& shape, int channels) {
  record::ImageInfo info;
  info.grid.shape = shape;
  for (int c = 0; c < channels; ++c) info.channels.push_back({"c" + std::to_string(c), std::nullopt, std::nullopt});
  return info;
}

// Gives the tasks to one launch of voxflow-worker; its reports, in order.
std::vector<record::TaskReport> run_team(const ArchiveFixture& fixture, int ranks,
                                         const std::vector<record::Task>& tasks) {
  const auto input = fixture.folder / "tasks";
  std::ofstream lines(input);
  for (const auto& t : tasks) lines << t.to_json() << "\n";
  lines.close();
  const std::string command =
      "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe --bind-to none -np " +
      std::to_string(ranks) + " " VOXFLOW_WORKER " --archive " + shell_quote(fixture.archive.root().string()) +
      " --kernels " VOXFLOW_TEST_KERNELS " < " + shell_quote(input.string()) + " 2>> " +
      shell_quote((fixture.folder / "log").string());
  std::vector<record::TaskReport> reports;
  FILE* out = ::popen(command.c_str(), "r");
  REQUIRE(out != nullptr);
  char* line = nullptr;
  std::size_t size = 0;
  while (::getline(&line, &size, out) > 0) {
    const auto answer = supervise::answer_from(trim(line));
    REQUIRE(answer);
    if (const auto* r = std::get_if<supervise::Result>(&*answer)) reports.push_back(r->report);
  }
  std::free(line);
  CHECK(::pclose(out) == 0);
  return reports;
}

std::vector<std::string> digests(const ArchiveFixture& fixture, const record::Task& task) {
  const auto manifest = fixture.archive.manifest(task.artifact);
  REQUIRE(manifest);
  std::vector<std::string> all;
  for (const auto& o : manifest->outputs) all.push_back(o.port + " " + o.content_digest.hex());
  return all;
}
}  // namespace

TEST_CASE("content digests are equal for 1, 2, 3 and 7 ranks and 1 and 2 threads") {
  ArchiveFixture fixture;
  const auto image = fixture.acquire<std::uint16_t>(info_of({70, 130, 140}, 2), scrambled);
  auto mask = info_of({70, 130, 140}, 1);
  mask.kind = record::ImageKind::mask;
  auto mask_input = fixture.acquire<std::uint8_t>(mask, [](std::size_t i) { return scrambled(i) < 300 ? 1.0 : 0.0; });
  mask_input.port = "mask";
  std::vector<record::Task> tasks{fixture.task("test.dilate", R"({"radius":1})", {image}),
                                  fixture.task("test.scale", R"({"factor":0.25})", {image}),
                                  fixture.task("test.above_mean", "{}", {image}),
                                  fixture.task("test.components", "{}", {mask_input}),
                                  fixture.task("test.shift", R"({"x":-3,"y":2,"z":1})", {image}),
                                  fixture.task("test.normalise", "{}", {image})};
  for (auto& t : tasks)
    if (t.identity.kernel != "test.normalise") t.identity.block_shape = Index3{64, 64, 64};
  std::vector<std::vector<std::string>> expected;
  int number = 0;
  for (const int ranks : {1, 2, 3, 7}) {
    std::vector<record::Task> batch;
    for (const int threads : {1, 2}) {
      ++number;
      for (const auto& t : tasks) {
        batch.push_back(fixture.again(t, number));
        batch.back().resources.ranks = ranks, batch.back().resources.threads = threads;
      }
    }
    const auto reports = run_team(fixture, ranks, batch);
    REQUIRE(reports.size() == batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      CAPTURE(batch[i].identity.kernel);
      CAPTURE(ranks);
      CHECK_MESSAGE(reports[i].state == record::TaskState::done, reports[i].message);
      if (expected.size() < tasks.size())
        expected.push_back(digests(fixture, batch[i]));
      else
        CHECK(digests(fixture, batch[i]) == expected[i % tasks.size()]);
    }
  }
}

TEST_CASE("an error of some ranks ends the task alike at all, names them, and the team goes on") {
  ArchiveFixture fixture;
  const auto image = fixture.acquire<float>(info_of({130, 64, 64}, 1), [](std::size_t i) {
    return i == 65 * 64 * 64 ? std::numeric_limits<double>::quiet_NaN() : 1.0;
  });
  auto nan = fixture.task("test.scale", R"({"factor":2.0})", {image});
  nan.identity.block_shape = Index3{64, 64, 64};
  auto lost = fixture.task("test.scale", R"({"factor":3.0})", {image});
  lost.inputs[0].artifact = "test/acquisitions/none";
  auto poor = fixture.task("test.scale", R"({"factor":4.0})", {image});
  poor.resources.memory_bytes = 3'000'000;
  const auto good = fixture.task("test.dilate", R"({"radius":0})", {image});
  const auto reports = run_team(fixture, 3, {nan, lost, poor, good, good});
  REQUIRE(reports.size() == 5);
  CHECK(reports[0].failure_class == "user_error");
  CHECK(reports[0].message ==
        "step 'test.scale', image 'synthetic': timepoint 0, channel 0, block at 64, 0, 0 (z, y, x): input 'image' is "
        "NaN at timepoint "
        "0, channel 0, voxel 65, 0, 0 (z, y, x), which this kernel does not accept; replace or crop such voxels first "
        "(rank 1)");
  CHECK(reports[1].failure_class == "missing_input");
  CHECK(reports[1].message ==
        "step 'test.scale', image 'synthetic': input 'image': the archive has no output 'image' of artifact "
        "'test/acquisitions/none'; import the image again (all ranks)");
  CHECK(reports[2].failure_class == "too_little_memory");
  CHECK(reports[3].state == record::TaskState::done);
  CHECK_MESSAGE(reports[4].state == record::TaskState::done, "a published task is done without work");
  const auto manifest = fixture.archive.manifest(good.artifact);
  REQUIRE(manifest);
  CHECK(manifest->ranks == 3);
  CHECK(manifest->counters.at("nan_voxels") == 1);
  CHECK(manifest->inputs.at(0).content_digest ==
        fixture.archive.manifest(image.artifact)->output("image")->content_digest);
  CHECK(manifest->max_rss_bytes > 0);
  CHECK(manifest->identity == good.identity.canonical());
  CHECK(manifest->plugin_digest.size() == 64);
}
