// Images of eight times the memory that a program may use: processed, exported, imported.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "tests/support/archive_fixture.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/program.hpp"
#include "tests/support/text_of.hpp"

using namespace voxflow;
using namespace voxflow::test;

namespace {
constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;
// Of one process, its code and libraries not counted: about 64 MiB of decoded chunks, and the blocks at work.
constexpr std::uint64_t kLimitBytes = 192 * kMegabyte;
// Planes of 1 MiB.
const Index3 kShape{1536, 512, 512};
static_assert(8 * kLimitBytes <= std::uint64_t{1536} * 512 * 512 * sizeof(float));

struct Limited {
  int exit_code = -1;
  std::string err;
  std::uint64_t peak_bytes = 0;  // of the resident set
};

// Runs a program of the project whose private memory is limited.
Limited run_limited(const std::string& program, const std::vector<std::string>& arguments,
                    const std::filesystem::path& folder, const std::filesystem::path& input = "/dev/null") {
  const auto out = folder / "out", err = folder / "err";
  std::vector<std::string> words{(bin_folder() / program).string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& w : words) pointers.push_back(w.data());
  pointers.push_back(nullptr);
  std::cout.flush();  // not twice
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit limit{kLimitBytes, kLimitBytes};
    ::setrlimit(RLIMIT_DATA, &limit);
    const rlimit stack{kMegabyte, kMegabyte};  // of each thread; reserved stacks count, too
    ::setrlimit(RLIMIT_STACK, &stack);
    if (::freopen(input.c_str(), "r", stdin) == nullptr || ::freopen(out.c_str(), "w", stdout) == nullptr ||
        ::freopen(err.c_str(), "w", stderr) == nullptr)
      ::_exit(99);
    ::execv(pointers[0], pointers.data());
    ::_exit(98);
  }
  int status = 0;
  rusage usage{};
  REQUIRE(::wait4(child, &status, 0, &usage) == child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_of(err),
          static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
}

// Bright and dark by turns, so that it is quickly packed; wide voxels, so that a small radius is along z only.
struct LargeImage {
  LargeImage() {
    record::ImageInfo info;
    info.grid = {kShape, {{{1.0}, {4.0}, {4.0}}}};
    info.channels = {{"c0", std::nullopt, std::nullopt}};
    input = fixture.acquire<float>(info, [](std::size_t i) { return static_cast<double>(i / 4096 % 251); });
  }
  std::string root() const { return fixture.archive.root().string(); }
  std::filesystem::path operator/(const char* name) const { return fixture.folder / name; }
  ArchiveFixture fixture;
  record::TaskInput input;
};

LargeImage& large_image() {
  static LargeImage image;
  return image;
}
}  // namespace

TEST_CASE("a worker filters an image of eight times its limit, and makes the result's smaller copies") {
  LargeImage& image = large_image();
  auto task = image.fixture.task("denoise.median", R"({"radius":1.0})", {image.input});
  task.identity.block_shape = Index3{64, 64, 64};
  task.resources.memory_bytes = kLimitBytes;
  std::ofstream(image / "task") << task.to_json() << "\n";
  const Limited worker =
      run_limited("voxflow-worker", {"--solo", "--archive", image.root(), "--kernels", VOXFLOW_SHIPPED_KERNELS},
                  image / ".", image / "task");
  CHECK(worker.exit_code == 0);
  has(text_of(image / "out"), "\"state\":\"done\"");
  const auto manifest = image.fixture.archive.manifest(task.artifact);
  REQUIRE(manifest);
  MESSAGE(fmt::format("limit {} MiB, peak of the task {} MiB, of the worker {} MiB", kLimitBytes / kMegabyte,
                      manifest->max_rss_bytes / kMegabyte, worker.peak_bytes / kMegabyte));
  CHECK(manifest->max_rss_bytes <= kLimitBytes);
  CHECK(worker.peak_bytes <= kLimitBytes);
}

TEST_CASE("an image of eight times the limit is exported and imported again, and is the same") {
  LargeImage& image = large_image();
  const auto voxflow = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--archive", image.root()});
    const Limited done = run_limited("voxflow", arguments, image / ".");
    INFO(done.err);
    CHECK(done.exit_code == 0);
    MESSAGE(fmt::format("{}: limit {} MiB, peak {} MiB", arguments[2], kLimitBytes / kMegabyte,
                        done.peak_bytes / kMegabyte));
    CHECK(done.peak_bytes <= kLimitBytes);
    return text_of(image / "out");
  };
  voxflow({"catalog", "rebuild"});
  voxflow({"export", "kind = \"acquisition\"", "--as", "ome-tiff", "--into", (image / "files").string(), "--name",
           "{name}"});
  std::filesystem::path file;
  for (const auto& entry : std::filesystem::directory_iterator(image / "files")) file = entry.path();
  REQUIRE(!file.empty());
  has(voxflow({"import", file.string(), "--project", "test"}), "was there");
}
