// Racing publishers of one artifact: exactly one commits.
#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/record/task.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::test;
using archive::Archive;
using archive::ArtifactBuilder;
using archive::PublishOutcome;
namespace fs = std::filesystem;

namespace {
const auto kInfo = image_of(DType::uint16, {2, 30, 40});

/// Builds, calls `wait`, publishes.
template <class F>
PublishOutcome attempt(const Archive& a, const Digest& key, F&& wait) {
  ArtifactBuilder builder(a, record::result_folder("demo", key));
  const Digest content = write_image(builder.folder() / "data.h5", kInfo);
  wait();
  return builder.publish(manifest_of(kInfo, content, key));
}

void check_one_artifact(const Archive& a, const Digest& key) {
  const fs::path folder = a.root() / record::result_folder("demo", key);
  CHECK(a.published(record::result_folder("demo", key)));
  CHECK(archive::verify_image(folder / "data.h5").empty());
  for (const auto& entry : fs::directory_iterator(folder.parent_path()))
    CHECK_FALSE(entry.path().filename().string().starts_with(".tmp"));
}
}  // namespace

TEST_CASE("of racing threads exactly one publishes, and the others' folders go") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  constexpr int kThreads = 4;
  for (int round = 0; round < 15; ++round) {
    const Digest key = sha256("thread round " + std::to_string(round));
    std::latch ready(kThreads);
    std::atomic<int> published = 0, already_there = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        const auto outcome = attempt(a, key, [&] { ready.arrive_and_wait(); });
        ++(outcome == PublishOutcome::published ? published : already_there);
      });
    for (auto& t : threads) t.join();
    CHECK(published == 1);
    CHECK(already_there == kThreads - 1);
    check_one_artifact(a, key);
  }
  CHECK(std::distance(fs::directory_iterator(a.events_new()), {}) == 15);
}

TEST_CASE("of racing processes exactly one publishes, and the others' folders go") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  for (int round = 0; round < 15; ++round) {
    const Digest key = sha256("process round " + std::to_string(round));
    int gate[2];
    REQUIRE(::pipe(gate) == 0);
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::close(gate[1]);
        int code = 2;
        try {
          char nothing = 0;
          const auto wait = [&] { static_cast<void>(::read(gate[0], &nothing, 1) == 0); };  // until all ends are closed
          code = attempt(a, key, wait) == PublishOutcome::published ? 0 : 1;
        } catch (const std::exception&) {
        }
        ::_exit(code);
      }
      children.push_back(child);
    }
    ::close(gate[0]);
    ::close(gate[1]);
    std::vector<int> codes(3);
    for (const pid_t child : children) {
      int status = 0;
      ::waitpid(child, &status, 0);
      REQUIRE(WIFEXITED(status));
      ++codes.at(static_cast<std::size_t>(WEXITSTATUS(status)));
    }
    CHECK(codes == std::vector<int>{1, 3, 0});
    check_one_artifact(a, key);
  }
}
