#include "pipeline/archive/artifact.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fstream>

#include "pipeline/core/error.hpp"
#include "pipeline/core/unfinished.hpp"
#include "pipeline/record/task.hpp"
#include "tests/archive/samples.hpp"
#include "tests/support/stderr_of.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::test;
using archive::Archive;
using archive::ArtifactBuilder;
using archive::PublishOutcome;
namespace fs = std::filesystem;

namespace {
const Digest kKey = sha256("a task");

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
}

unsigned mode(const fs::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777u;
}

PublishOutcome publish_table(const Archive& a, const std::string& artifact, const std::string& text) {
  ArtifactBuilder builder(a, artifact);
  builder.write_file("objects.tsv", text);
  record::Manifest m;
  m.kind = "result";
  m.project = "demo";
  m.task_key = kKey;
  m.outputs.push_back({"objects", "table", "objects.tsv", sha256(text), std::nullopt, 3});
  return builder.publish(m);
}
}  // namespace

TEST_CASE("an archive says whether its images' chunks have checksums") {
  const TestFolder folder;
  CHECK(Archive::create(folder / "plain").checksum() == archive::ChunkChecksum::none);
  Archive::create(folder / "summed", archive::ChunkChecksum::fletcher32);
  const Archive summed(folder / "summed");
  CHECK(summed.checksum() == archive::ChunkChecksum::fletcher32);
  const std::string record = read_file(folder / "summed" / "archive.json");
  CHECK(record.find(R"("chunk_checksum": "fletcher32")") != std::string::npos);
  std::string newer = record;
  newer.replace(newer.find("\"fletcher32\""), 12, "\"crc64\"");
  fs::remove(folder / "plain" / "archive.json");
  write_file_atomically(folder / "plain" / "archive.json", newer);
  CHECK(message_of<UserError>([&] { Archive{folder / "plain"}; }) ==
        (folder / "plain" / "archive.json").string() +
            ": chunk_checksum is 'crc64', known is 'fletcher32'; use a newer voxflow");
}

TEST_CASE("an archive is created empty, once, and opened by its folder") {
  const TestFolder folder;
  const Archive made = Archive::create(folder / "archive");
  CHECK(fs::is_directory(made.events_new()));
  CHECK(fs::is_directory(made.events_log()));
  CHECK(fs::is_directory(made.runs()));
  CHECK(Archive(folder / "archive").root() == made.root());
  CHECK((mode(made.root()) & S_ISGID) != 0);
  CHECK(message_of<UserError>([&] { Archive::create(folder / "archive"); }).find("is an archive already") !=
        std::string::npos);
}

TEST_CASE("a folder that is no archive is refused, and so is one of a newer format") {
  const TestFolder folder;
  CHECK(message_of<UserError>([&] { Archive(folder.path()); }) ==
        "'" + folder.path().string() +
            "' is not an archive: there is no file 'archive.json'; create one with `voxflow init`");
  write_file_atomically(folder / "archive.json", R"({"format": "voxflow-archive", "format_version": 9})");
  CHECK(message_of<UserError>([&] {
          Archive(folder.path());
        }).find("the archive record has format version 9, this voxflow knows up to 1; use a newer voxflow") !=
        std::string::npos);
}

TEST_CASE("a published artifact holds its files, their digests, and an event") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  const std::string artifact = record::result_folder("demo", kKey);
  CHECK_FALSE(a.published(artifact));
  CHECK_FALSE(a.manifest(artifact).has_value());
  const auto info = image_of(DType::uint16, {4, 5, 6});
  {
    ArtifactBuilder builder(a, artifact);
    CHECK(builder.folder().parent_path() == (a.root() / artifact).parent_path());
    const Digest content = write_image(builder.folder() / "data.h5", info);
    builder.write_file("notes.json", "{}");
    CHECK(builder.publish(manifest_of(info, content, kKey)) == PublishOutcome::published);
  }
  const auto m = a.manifest(artifact);
  REQUIRE(m.has_value());
  REQUIRE(m->files.size() == 3);
  CHECK(m->files[0].name == "data.h5");
  CHECK(m->files[1].name == "data.xml");
  CHECK(m->files[2].name == "notes.json");
  for (const auto& f : m->files) {
    CHECK(f.sha256 == sha256_file(a.root() / artifact / f.name));
    CHECK(f.size_bytes == fs::file_size(a.root() / artifact / f.name));
    CHECK(mode(a.root() / artifact / f.name) == 0440);
  }
  CHECK(mode(a.root() / artifact / "manifest.json") == 0440);
  CHECK(mode(a.root() / artifact) == 02750);
  CHECK(archive::verify_image(a.root() / artifact / "data.h5").empty());
  const auto event = record::published_event(*m, artifact);
  CHECK(read_file(a.events_new() / record::event_file_name(event)) == event.to_json() + "\n");
  CHECK(entries(a.events_new()) == 1);
  CHECK(entries((a.root() / artifact).parent_path()) == 1);
}

TEST_CASE("what is not published leaves no trace") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  const std::string artifact = record::result_folder("demo", kKey);
  {
    ArtifactBuilder builder(a, artifact);
    builder.write_file("objects.tsv", "label_id\n");
  }
  CHECK(entries((a.root() / artifact).parent_path()) == 0);
}

TEST_CASE("the second of two attempts finds the first one's artifact and goes") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  const std::string artifact = record::result_folder("demo", kKey);
  CHECK(publish_table(a, artifact, "one") == PublishOutcome::published);
  const auto words =
      stderr_of(folder, [&] { CHECK(publish_table(a, artifact, "one") == PublishOutcome::already_there); });
  CHECK(words == "");
  CHECK(entries((a.root() / artifact).parent_path()) == 1);
  CHECK(entries(a.events_new()) == 1);
}

TEST_CASE("another result for the same task key is reported as nondeterminism, and the first stays") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  const std::string artifact = record::result_folder("demo", kKey);
  publish_table(a, artifact, "one");
  const auto words =
      stderr_of(folder, [&] { CHECK(publish_table(a, artifact, "two") == PublishOutcome::already_there); });
  CHECK(words.find("nondeterminism: output 'objects' of '" + artifact + "'") != std::string::npos);
  CHECK(words.find(sha256("one").hex()) != std::string::npos);
  CHECK(words.find(sha256("two").hex()) != std::string::npos);
  CHECK(read_file(a.root() / artifact / "objects.tsv") == "one");
}

TEST_CASE("an event that was lost is emitted again by the next attempt") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  const std::string artifact = record::result_folder("demo", kKey);
  publish_table(a, artifact, "one");
  const fs::path event = fs::directory_iterator(a.events_new())->path();
  const std::string text = read_file(event);
  fs::remove(event);
  publish_table(a, artifact, "one");
  CHECK(read_file(event) == text);
}

TEST_CASE("an acquisition is given its folder when its content is known") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  ArtifactBuilder builder(a, "demo/acquisitions/new");
  const auto info = image_of(DType::uint8, {4, 5, 6});
  const Digest content = write_image(builder.folder() / "data.h5", info);
  const std::string artifact = record::acquisition_folder("demo", content);
  builder.retarget(artifact);
  record::Manifest m = manifest_of(info, content, kKey);
  m.kind = "acquisition";
  m.task_key.reset();
  CHECK(builder.publish(m) == PublishOutcome::published);
  CHECK(a.published(artifact));
  CHECK_FALSE(fs::exists(a.root() / "demo/acquisitions/new"));
}

TEST_CASE("an output whose file was not written is a bug, and nothing is published") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  const std::string artifact = record::result_folder("demo", kKey);
  const auto info = image_of(DType::uint8, {4, 5, 6});
  CHECK(message_of<InternalError>([&] { ArtifactBuilder(a, artifact).publish(manifest_of(info, kKey, kKey)); }) ==
        "output 'image' is said to be in 'data.h5', which was not written");
  CHECK_FALSE(fs::exists(a.root() / artifact));
}

TEST_CASE("an artifact lies inside the archive") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  for (const char* artifact : {"", "/tmp/x", "../x", "demo/../../x", "demo/"})
    CHECK(message_of<InternalError>([&] { ArtifactBuilder(a, artifact); }) ==
          fmt::format("'{}' is not the folder of an artifact inside the archive", artifact));
}

TEST_CASE("a folder that is no artifact but in the way is told") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  const std::string artifact = record::result_folder("demo", kKey);
  make_directories(a.root() / artifact / "something");
  CHECK(message_of<SystemError>([&] { publish_table(a, artifact, "one"); }).find("is in the way of an artifact") !=
        std::string::npos);
}

TEST_CASE("temporary folders of dead processes are found and removed, those of living ones are not") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  const std::string artifact = record::result_folder("demo", kKey);
  const ArtifactBuilder alive(a, artifact);
  const pid_t child = ::fork();
  if (child == 0) {
    ArtifactBuilder builder(a, artifact);
    ArtifactBuilder other(a, "demo/acquisitions/new");
    builder.write_file("objects.tsv", "x");
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  CHECK(archive::find_leftovers(a).size() == 2);
  CHECK(archive::remove_leftovers(a) == 2);
  CHECK(archive::find_leftovers(a).empty());
  CHECK(fs::exists(alive.folder()));
}

TEST_CASE("temporary files of dead processes are found and removed wherever records and events are written") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  const pid_t child = ::fork();
  if (child == 0) {
    make_directories(a.root() / "demo/quarantine");
    for (const fs::path& at : {a.events_new(), a.root() / "demo/quarantine", a.root()})
      std::ofstream(at / (".record.json" + unfinished_mark() + "AbCdEf")) << "half of a rec";
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  const fs::path alive = a.events_new() / (".event.json" + unfinished_mark() + "AbCdEf");
  std::ofstream(alive) << "half of an eve";
  CHECK(archive::find_leftovers(a).size() == 3);
  CHECK(archive::remove_leftovers(a) == 3);
  CHECK(archive::find_leftovers(a).empty());
  CHECK(fs::exists(alive));
}

TEST_CASE("temporary folders of other hosts count as left over once nobody touched them for two days") {
  const TestFolder folder;
  const Archive a = Archive::create(folder / "archive");
  const fs::path fresh = a.root() / "demo/results/ab/.tmp-elsewhere.example-17-AbCdEf",
                 old = a.root() / "demo/results/ab/.tmp-elsewhere.example-18-AbCdEf";
  make_directories(fresh);
  make_directories(old);
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(49));
  CHECK(archive::find_leftovers(a) == std::vector<fs::path>{old});
}
