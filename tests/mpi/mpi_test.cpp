// The runner over real MPI launches of voxflow-worker: the same digests for any ranks and threads, and errors that
// ranks agree on.
#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>

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
