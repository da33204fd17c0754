// Events become rows: each once, in any order, and again the same by a rebuild.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>

#include <algorithm>
#include <fstream>
#include <random>

#include "catalog/store/file_system.hpp"
#include "catalog/store/sqlite.hpp"
#include "tests/catalog/fixture.hpp"
#include "tests/support/stderr_of.hpp"

using namespace voxflow;
using namespace voxflow::test;
namespace fs = std::filesystem;

namespace {
std::size_t file_count(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

/// A history with results before their sources, changes of annotations, a failure, and one acquisition imported twice.
std::vector<record::Event> history(const CatalogFixture& fixture) {
  const auto a = acquisition("embryo_1", {text("species", "G12"), number("age", 1, "day")});
  auto again = acquisition("embryo_1_copy");
  again.outputs = a.outputs;
  again.project = "zebrafish";
  again.published = "2026-11-25T08:00:00.000Z";
  const auto b = acquisition("embryo_2");
  const auto denoised = result("denoised", {a});
  const auto cells = result("cells", {denoised, b});
  const record::Failure failure{sha256("key"), "run-1", "cells", "embryo_2", 1, "crash", "signal 11", "node02", "log"};
  record::AnnotationChange first{image_id(a), {text("species", "DSX"), number("age", 30, "h")}, {}, "anna"};
  record::AnnotationChange removed{image_id(a), {truth("good", true)}, {"age"}, "ben"};
  record::AnnotationChange of_result{image_id(cells), {number("cells", 12)}, {}, "ben"};
  return {fixture.event_of(a),
          fixture.event_of(again),
          fixture.event_of(b),
          fixture.event_of(denoised),
          fixture.event_of(cells),
          record::failed_event(failure, "2026-11-22T01:00:00.000Z"),
          record::annotated_event(first, "2026-11-22T10:00:00.000Z"),
          record::annotated_event(removed, "2026-11-22T11:00:00.000Z"),
          record::annotated_event(of_result, "2026-11-22T11:30:00.000Z"),
          record::key_declared_event({"age", record::AnnotationType::number, "h"}, "2026-11-19T00:00:00.000Z"),
          record::key_declared_event({"age", record::AnnotationType::number, "min"}, "2026-11-23T00:00:00.000Z")};
}
}  // namespace

TEST_CASE("an acquisition and what was made of it are found by their names") {
  CatalogFixture fixture;
  const auto a = acquisition("embryo_3");
  fixture.publish(a);
  fixture.publish(result("denoised", {a}));
  const auto catalog = fixture.open();
  const auto counts = catalog->ingest();
  CHECK(counts.added == 2);
  CHECK(counts.known == 0);
  const auto image = catalog->get("embryo_3");
  CHECK(image.id == image_id(a));
  CHECK(image.kind == catalog::EntityKind::acquisition);
  CHECK(image.project == "malaria");
  CHECK(image.size_bytes == 1000);
  REQUIRE(image.image);
  CHECK(*image.image == image_info());
  CHECK(image.artifact == folder_of(a));
  CHECK(catalog->get("embryo_3 first_look/denoised").kind == catalog::EntityKind::result);
}

TEST_CASE("ingested events move from events/new to the log of their month") {
  CatalogFixture fixture;
  fixture.publish(acquisition("embryo_3"));
  fixture.open()->ingest();
  CHECK(file_count(fixture.root() / "events" / "new") == 0);
  CHECK(fs::exists(fixture.root() / "events" / "log" / "2026-11.jsonl"));
}

TEST_CASE("an event that comes a second time changes nothing") {
  CatalogFixture fixture;
  const auto a = acquisition("embryo_3");
  fixture.publish(a);
  const auto catalog = fixture.open();
  catalog->ingest();
  const auto before = catalog->dump();
  fixture.emit(fixture.event_of(a));
  const auto counts = catalog->ingest();
  CHECK(counts.added == 0);
  CHECK(counts.known == 1);
  CHECK(catalog->dump() == before);
  CHECK(catalog->rebuild().added == 1);
  CHECK(catalog->dump() == before);
}

TEST_CASE("the catalog is the same for any order of the events, and a rebuild makes it again") {
  const CatalogFixture maker;
  auto events = history(maker);
  std::mt19937 random(7);
  std::string expected;
  for (int round = 0; round < 8; ++round) {
    CatalogFixture fixture;
    const auto catalog = fixture.open();
    for (std::size_t i = 0; i < events.size(); ++i) {
      fixture.emit(events[i]);
      if (i % 4 == 3 || i + 1 == events.size()) catalog->ingest();
    }
    if (expected.empty()) expected = catalog->dump();
    REQUIRE(catalog->dump() == expected);
    catalog->rebuild();
    REQUIRE(catalog->dump() == expected);
    std::shuffle(events.begin(), events.end(), random);
  }
  CHECK(expected.find("embryo_1 first_look/cells") != std::string::npos);
}

TEST_CASE("the last writer of an annotation wins, and a removed one is gone") {
  CatalogFixture fixture;
  for (const record::Event& e : history(fixture)) fixture.emit(e);
  const auto catalog = fixture.open();
  catalog->ingest();
  const auto annotations = catalog->get("embryo_1").annotations;
  REQUIRE(annotations.size() == 2);
  CHECK(annotations[0] == truth("good", true));
  CHECK(annotations[1] == text("species", "DSX"));
}

TEST_CASE("an acquisition that was imported twice is one image with two places") {
  CatalogFixture fixture;
  for (const record::Event& e : history(fixture)) fixture.emit(e);
  const auto catalog = fixture.open();
  catalog->ingest();
  const auto image = catalog->get("embryo_1");
  CHECK(image.project == "malaria");
  REQUIRE(image.copies.size() == 1);
  CHECK(image.copies[0].starts_with("zebrafish/"));
}

TEST_CASE("a result that another project has as well stays where it was first, and is found in both") {
  const auto image = acquisition("embryo_1");
  auto first = result("denoised", {image}), again = first, copy = first;
  copy.project = "zebrafish", copy.workflow = "theirs", copy.published = "2026-11-21T21:00:00.000Z";
  again.published = "2026-11-21T22:00:00.000Z", again.run = "run-2";
  std::string expected;
  for (const auto& order :
       {std::array{&first, &copy, &again}, std::array{&first, &again, &copy}, std::array{&copy, &first, &again}}) {
    CatalogFixture fixture;
    const auto catalog = fixture.open();
    fixture.publish(image);
    for (const auto* m : order) {
      fixture.publish(*m);
      catalog->ingest();
    }
    const auto found = catalog->get("embryo_1 first_look/denoised");
    CHECK(found.project == "malaria");
    CHECK(found.copies == std::vector<std::string>{folder_of(copy)});
    const auto in_project = [&](const std::string& name) {
      return catalog->count(catalog::query::parse("project = \"" + name + "\" and kind = \"result\""));
    };
    CHECK(in_project("malaria") == 1);
    CHECK(in_project("zebrafish") == 1);
    CHECK(in_project("zebra") == 0);
    CHECK(catalog->count(catalog::query::parse("project != \"zebrafish\" and kind = \"result\"")) == 0);
    CHECK(catalog->count(catalog::query::parse("project != \"zebra\" and kind = \"result\"")) == 1);
    if (expected.empty()) expected = catalog->dump();
    CHECK(catalog->dump() == expected);
    catalog->rebuild();
    CHECK(catalog->dump() == expected);
  }
}

TEST_CASE("a task that had another content in another project is reported as nondeterminism") {
  const CatalogFixture fixture;
  const TestFolder folder;
  const auto image = acquisition("embryo_1");
  const auto first = result("denoised", {image});
  auto other = first;
  other.project = "zebrafish", other.published = "2026-11-21T21:00:00.000Z";
  other.outputs[0].content_digest = sha256("other voxels");
  const auto catalog = fixture.open();
  fixture.publish(image);
  fixture.publish(first);
  CHECK(stderr_of(folder, [&] { catalog->ingest(); }) == "");
  fixture.publish(other);
  const std::string words = stderr_of(folder, [&] { catalog->ingest(); });
  const bool told =
      words.find("nondeterminism: output 'image' of task " + first.task_key->hex().substr(0, 12)) != std::string::npos;
  CHECK(told);
  const bool both = words.find(first.outputs[0].content_digest.hex()) != std::string::npos &&
                    words.find(other.outputs[0].content_digest.hex()) != std::string::npos;
  CHECK(both);
}

TEST_CASE("a rebuild finds artifacts whose events were lost") {
  CatalogFixture fixture;
  const auto a = acquisition("embryo_3");
  fixture.store(a);
  fixture.store(result("denoised", {a}));
  const auto catalog = fixture.open();
  CHECK(catalog->ingest().added == 0);
  CHECK(catalog->rebuild().added == 2);
  const auto rebuilt = catalog->dump();
  fixture.emit(fixture.event_of(a));
  CHECK(catalog->ingest().known == 1);
  CHECK(catalog->dump() == rebuilt);
}

TEST_CASE("a scan finds artifacts whose events were lost, also two of one content") {
  CatalogFixture fixture;
  const auto a = acquisition("embryo_3");
  auto copy = a;
  copy.project = "zebrafish";
  fixture.publish(result("denoised", {a}));
  fixture.store(a);
  fixture.store(copy);
  const auto catalog = fixture.open();
  CHECK(catalog->ingest_and_scan().added == 3);
  CHECK(catalog->ingest_and_scan().added == 0);
  CHECK(catalog->get("embryo_3").copies.size() == 1);
  const auto before = catalog->dump();
  catalog->rebuild();
  CHECK(catalog->dump() == before);
}

TEST_CASE("a catalog whose file was lost is made again when it is opened") {
  CatalogFixture fixture;
  for (const record::Event& e : history(fixture)) fixture.emit(e);
  auto catalog = fixture.open();
  catalog->ingest();
  const auto before = catalog->dump();
  catalog.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(fixture.database().string() + suffix);
  CHECK(fixture.open()->dump() == before);
}

TEST_CASE("a damaged event is put aside and the others go on") {
  CatalogFixture fixture;
  fixture.publish(acquisition("embryo_3"));
  write_file_atomically(fixture.root() / "events" / "new" / "half.json", R"({"id": "x", "time")");
  write_file_atomically(fixture.root() / "events" / "new" / "hollow.json",
                        R"({"id":"x","time":"2026-11-22T00:00:00.000Z","kind":"published","source":"","payload":{}})");
  const auto catalog = fixture.open();
  CHECK(catalog->ingest().added == 1);
  CHECK(file_count(fixture.root() / "events" / "damaged") == 2);
  CHECK(file_count(fixture.root() / "events" / "new") == 0);
}

TEST_CASE("events of an unknown kind are kept") {
  CatalogFixture fixture;
  fixture.emit({"id-1", "2026-11-22T00:00:00.000Z", "moved_to_tape", "x", R"({"tape":7})"});
  const auto catalog = fixture.open();
  CHECK(catalog->ingest().added == 1);
  CHECK(catalog->dump().find("moved_to_tape") != std::string::npos);
  CHECK(catalog->rebuild().added == 1);
}

TEST_CASE("half a line in the log, left by a killed process, costs no event") {
  CatalogFixture fixture;
  fixture.open();
  const auto log = fixture.root() / "events" / "log" / "2026-11.jsonl";
  std::ofstream(log) << R"({"id":"broken","ti)";
  fixture.emit(fixture.event_of(acquisition("embryo_3")));
  const auto catalog = fixture.open();
  catalog->ingest();
  const auto before = catalog->dump();
  CHECK(catalog->rebuild().added == 1);
  CHECK(catalog->dump() == before);
}

TEST_CASE("two processes that ingest at once take each event once") {
  CatalogFixture fixture;
  constexpr int kEvents = 25;
  std::vector<pid_t> children;
  for (int child = 0; child < 2; ++child) {
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      int status = 1;
      try {
        const auto catalog = fixture.open();
        for (int i = 0; i < kEvents; ++i) {
          fixture.emit(fixture.event_of(acquisition("embryo_" + std::to_string(i))));
          catalog->ingest();
        }
        status = 0;
      } catch (const std::exception&) {
      }
      ::_exit(status);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  const auto catalog = fixture.open();
  catalog->ingest();
  CHECK(catalog->count(catalog::query::parse("")) == kEvents);
  const auto before = catalog->dump();
  catalog->rebuild();
  CHECK(catalog->dump() == before);
}

TEST_CASE("network file systems are told from local ones") {
  CHECK(catalog::network_file_system(0x6969) == "NFS");
  CHECK(catalog::network_file_system(0xFF534D42) == "CIFS");
  CHECK(catalog::network_file_system(0x0BD00BD0) == "Lustre");
  CHECK(catalog::network_file_system(0x47504653) == "GPFS");
  CHECK(catalog::network_file_system(0x65735546) == "FUSE");
  CHECK_FALSE(catalog::network_file_system(0xEF53));
  CHECK_FALSE(catalog::network_file_system(0x01021994));
}

TEST_CASE("a file that is no database is refused with what to do") {
  CatalogFixture fixture;
  write_file_atomically(fixture.database(), std::string(4096, 'x'));
  const auto message = message_of<SystemError>([&] { fixture.open(); });
  CHECK(message.find("file is not a database") != std::string::npos);
  CHECK(message.find("move the file away: the next command makes it again from the archive") != std::string::npos);
}

TEST_CASE("a catalog on a network file system is refused with what to do") {
  CHECK(message_of<UserError>([] { catalog::refuse_network_file_system("/home/anna/catalog.sqlite", 0x6969); }) ==
        "the catalog '/home/anna/catalog.sqlite' lies on a network file system (NFS), where SQLite loses data; name a "
        "file on a "
        "local disk of this machine: the catalog is filled from the archive when it is opened there");
}

TEST_CASE("a catalog of a newer layout is refused, one of an older layout is made again") {
  CatalogFixture fixture;
  fixture.publish(acquisition("embryo_3"));
  auto catalog = fixture.open();
  catalog->ingest();
  const auto before = catalog->dump();
  catalog.reset();
  catalog::Database(fixture.database()).script("PRAGMA user_version = 99");
  CHECK(message_of<UserError>([&] {
          fixture.open();
        }).ends_with("has layout 99, this voxflow knows up to 2; use a newer voxflow"));
  catalog::Database(fixture.database()).script("DROP TABLE derived; PRAGMA user_version = 0");
  CHECK(fixture.open()->dump() == before);
}

TEST_CASE("a full disk is told from other errors, and costs nothing that was there") {
  CatalogFixture fixture;
  catalog::Database db(fixture.database());
  db.script("CREATE TABLE t(x TEXT) STRICT; PRAGMA max_page_count = 3");
  db.run("INSERT INTO t VALUES (?)", "kept");
  CHECK_THROWS_AS(
      [&] {
        catalog::Transaction transaction(db);
        for (int i = 0; i < 100; ++i) db.run("INSERT INTO t VALUES (?)", std::string(1000, 'x'));
        transaction.commit();
      }(),
      DiskFullError);
  auto rows = db.query("SELECT count(*) FROM t");
  REQUIRE(rows.step());
  CHECK(rows.integer(0) == 1);
}

TEST_CASE("an ingest that is killed loses no event and doubles none") {
  for (const int kill_after : {1, 4, 9}) {
    CatalogFixture fixture;
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      const auto catalog = fixture.open();
      for (int i = 0;; ++i) {
        fixture.emit(fixture.event_of(acquisition("embryo_" + std::to_string(i))));
        const char byte = 0;
        if (::write(pipe[1], &byte, 1) != 1) ::_exit(1);
        catalog->ingest();
      }
    }
    char byte = 0;
    for (int i = 0; i < kill_after; ++i) REQUIRE(::read(pipe[0], &byte, 1) == 1);
    ::kill(pid, SIGKILL);
    REQUIRE(::waitpid(pid, nullptr, 0) == pid);
    ::close(pipe[1]);
    int emitted = kill_after;
    while (::read(pipe[0], &byte, 1) == 1) ++emitted;
    ::close(pipe[0]);
    const auto catalog = fixture.open();
    catalog->ingest();
    const auto found = static_cast<int>(catalog->count(catalog::query::parse("")));
    // Between an event and the byte that tells of it the process may have died.
    CHECK((found == emitted || found == emitted + 1));
    const auto before = catalog->dump();
    catalog->rebuild();
    CHECK(catalog->dump() == before);
  }
}
