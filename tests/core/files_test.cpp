// Files and folders that are there whole or not at all.
#include "pipeline/core/files.hpp"

#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <vector>

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/messages.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using test::message_of;
namespace fs = std::filesystem;

namespace {
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

/// Runs `f` in a process of its own; its exit code.
template <class F>
pid_t start(F&& f) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(f());
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// A file system of 64 KiB of its own, where this process may mount one.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& at) : at_(at) {
    fs::create_directory(at);
    mounted_ = ::mount("none", at.c_str(), "tmpfs", 0, "size=64k") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount(at_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  fs::path at_;
  bool mounted_;
};
}  // namespace

TEST_CASE("a written file reads back byte for byte, and nothing else is left beside it") {
  const test::TestFolder folder;
  const std::string bytes("a\0b\n\xff", 5);
  write_file_atomically(folder / "a.bin", bytes);
  CHECK(read_file(folder / "a.bin") == bytes);
  write_file_atomically(folder / "a.bin", "");
  CHECK(read_file(folder / "a.bin").empty());
  CHECK(names_in(folder.path()) == std::vector<std::string>{"a.bin"});
}

TEST_CASE("a large file is read whole") {
  const test::TestFolder folder;
  const std::string bytes(1'000'003, 'x');
  write_file_atomically(folder / "a", bytes);
  CHECK(read_file(folder / "a") == bytes);
}

TEST_CASE(
    "a file that is not there, or a folder, is the user's to put right; a file that cannot be read is the system's") {
  const test::TestFolder folder;
  CHECK(message_of<UserError>([&] { read_file(folder / "none"); }) ==
        "there is no file '" + (folder / "none").string() + "'");
  CHECK(message_of<UserError>([&] { read_file(folder.path()); }) ==
        "'" + folder.path().string() + "' is a folder; name a file");
  CHECK(message_of<SystemError>([&] { read_file("/proc/self/mem"); }) ==
        "cannot read '/proc/self/mem': Input/output error");
}

TEST_CASE("a failed write leaves the old file and no temporary one") {
  const test::TestFolder folder;
  fs::create_directory(folder / "target");  // a folder cannot be replaced by a file
  write_file_atomically(folder / "target/inside", "old");
  CHECK(message_of<SystemError>([&] { write_file_atomically(folder / "target", "new"); }) ==
        "cannot rename a temporary file to '" + (folder / "target").string() + "': Is a directory");
  CHECK(read_file(folder / "target/inside") == "old");
  CHECK(names_in(folder.path()) == std::vector<std::string>{"target"});
  CHECK(message_of<SystemError>([&] { write_file_atomically(folder / "none/a", "new"); }) ==
        "cannot create a file beside '" + (folder / "none/a").string() + "': No such file or directory");
}

TEST_CASE("a full disk is told apart, and leaves the old file and no temporary one") {
  const test::TestFolder folder;
  const SmallDisk disk(folder / "disk");
  if (!disk.mounted()) {
    MESSAGE("skipped: this process may not mount a small file system");
    return;
  }
  write_file_atomically(folder / "disk/a", "old");
  CHECK(message_of<DiskFullError>([&] { write_file_atomically(folder / "disk/a", std::string(1 << 20, 'x')); }) ==
        "cannot write '" + (folder / "disk/a").string() + "': No space left on device");
  CHECK(read_file(folder / "disk/a") == "old");
  CHECK(names_in(folder / "disk") == std::vector<std::string>{"a"});
}

TEST_CASE("a process killed while it writes leaves the old file or the new one") {
  const test::TestFolder folder;
  const std::string old_bytes(100'000, 'o'), new_bytes(100'000, 'n');
  write_file_atomically(folder / "a", old_bytes);
  for (int attempt = 0; attempt < 5; ++attempt) {
    std::array<int, 2> started{};
    REQUIRE(::pipe(started.data()) == 0);
    const pid_t writer = start([&] {
      if (::write(started[1], "x", 1) != 1) return 1;
      for (;;) write_file_atomically(folder / "a", new_bytes);
    });
    char ready = 0;
    REQUIRE(::read(started[0], &ready, 1) == 1);
    ::usleep(static_cast<useconds_t>(700 * attempt));
    ::kill(writer, SIGKILL);
    wait_for(writer);
    ::close(started[0]);
    ::close(started[1]);
    const std::string found = read_file(folder / "a");
    CHECK((found == old_bytes || found == new_bytes));
  }
}

TEST_CASE("a copy has the bytes and the permissions, and never replaces a file") {
  const test::TestFolder folder;
  const std::string bytes(std::size_t{3} << 20, 'x');
  write_file_atomically(folder / "from", bytes + "y");
  ::chmod((folder / "from").c_str(), 0640);
  copy_to_new_file(folder / "from", folder / "to");
  CHECK(read_file(folder / "to") == bytes + "y");
  CHECK(fs::status(folder / "to").permissions() == fs::status(folder / "from").permissions());
  CHECK(message_of<SystemError>([&] { copy_to_new_file(folder / "from", folder / "to"); }).find("cannot create") == 0);
  CHECK(message_of<SystemError>([&] { copy_to_new_file(folder / "none", folder / "other"); }).find("cannot open") == 0);
}

TEST_CASE("folders are made with their parents, keep the group, and may be there already") {
  const test::TestFolder folder;
  make_directories(folder / "a/b/c");
  make_directories(folder / "a/b/c");
  struct stat s {};
  REQUIRE(::stat((folder / "a/b/c").c_str(), &s) == 0);
  CHECK((s.st_mode & S_ISGID) != 0);
  write_file_atomically(folder / "file", "");
  CHECK(message_of<SystemError>([&] { make_directories(folder / "file/x"); }) ==
        "cannot create folder '" + (folder / "file/x").string() + "': Not a directory");
}

TEST_CASE("a temporary folder goes with its content unless it is released") {
  const test::TestFolder folder;
  fs::path kept, gone;
  {
    const TemporaryDirectory a(folder.path(), "a-");
    TemporaryDirectory b(folder.path(), "b-");
    write_file_atomically(a.path() / "x", "1");
    b.release();
    gone = a.path(), kept = b.path();
    CHECK(gone != kept);
  }
  CHECK(!fs::exists(gone));
  CHECK(fs::exists(kept));
  CHECK_THROWS_AS(TemporaryDirectory(folder / "none", "a-"), SystemError);
}

TEST_CASE("a folder is renamed onto nothing or onto an empty folder, and never onto a full one") {
  const test::TestFolder folder;
  make_directories(folder / "from");
  write_file_atomically(folder / "from/x", "1");
  make_directories(folder / "empty");
  CHECK(rename_directory(folder / "from", folder / "empty") == RenameOutcome::renamed);
  make_directories(folder / "second");
  CHECK(rename_directory(folder / "second", folder / "empty") == RenameOutcome::target_exists);
  CHECK(read_file(folder / "empty/x") == "1");
  CHECK(fs::exists(folder / "second"));
  CHECK_THROWS_AS(rename_directory(folder / "none", folder / "other"), SystemError);
}

TEST_CASE("of several processes that rename onto one name exactly one wins") {
  constexpr int kRacers = 8;
  for (int round = 0; round < 10; ++round) {
    const test::TestFolder folder;
    for (int i = 0; i < kRacers; ++i) {
      make_directories(folder / ("from" + std::to_string(i)));
      write_file_atomically(folder / ("from" + std::to_string(i)) / "who", std::to_string(i));
    }
    std::array<int, 2> gate{};
    REQUIRE(::pipe(gate.data()) == 0);
    std::vector<pid_t> racers;
    for (int i = 0; i < kRacers; ++i)
      racers.push_back(start([&] {
        ::close(gate[1]);
        char byte = 0;
        if (::read(gate[0], &byte, 1) != 0) return 3;  // returns when every other end is closed
        return rename_directory(folder / ("from" + std::to_string(i)), folder / "target") == RenameOutcome::renamed ? 0
                                                                                                                    : 1;
      }));
    ::close(gate[0]);
    ::close(gate[1]);
    std::vector<int> winners;
    for (int i = 0; i < kRacers; ++i) {
      const int code = wait_for(racers[static_cast<std::size_t>(i)]);
      CHECK((code == 0 || code == 1));
      if (code == 0) winners.push_back(i);
    }
    REQUIRE(winners.size() == 1);
    CHECK(read_file(folder / "target/who") == std::to_string(winners.front()));
  }
}
