// voxflow verify, replicate and clean: damage is named, restored, and never spreads.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/cli/facility.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/text_of.hpp"

namespace fs = std::filesystem;
using namespace voxflow::test;

namespace {
/// Flips one bit of a published file.
void flip(const fs::path& file, std::size_t at) {
  std::string bytes = text_of(file);
  REQUIRE(at < bytes.size());
  bytes[at] ^= 0x10;
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(file, std::ios::binary) << bytes;
}

/// The artifacts, absolute.
std::vector<fs::path> artifacts(const Facility& facility) {
  std::vector<fs::path> folders;
  for (const std::string& folder : facility.artifacts()) folders.push_back(facility.archive() / folder);
  return folders;
}

fs::path h5(const fs::path& artifact) {
  return artifact / "data.h5";
}

/// In the middle of the voxels, past the file's own tables.
std::size_t middle(const fs::path& file) {
  return fs::file_size(file) / 2;
}
}  // namespace

TEST_CASE(
    "a sound archive is said to be so; a flipped bit is told with file and chunk, and the rest is verified all the "
    "same") {
  const Facility facility;
  facility.import_phantom(2);
  has(facility.must({"verify"}), "4 artifacts verified, 0 damaged");
  const fs::path damaged = artifacts(facility).front();
  flip(h5(damaged), middle(h5(damaged)));
  const Outcome outcome = facility.voxflow({"verify"});
  CHECK(outcome.exit_code == 3);
  has(outcome.out, h5(damaged).string() + ": the file is not the one that was published");
  has(outcome.out, h5(damaged).string() + ": timepoint 0, channel ");
  has(outcome.out, "chunk (");
  has(outcome.out, "4 artifacts verified, 1 damaged");
  has(facility.voxflow({"--json", "verify"}).out, "\"verified\": 4");
}

TEST_CASE("a query chooses what is verified; what was found sound lately is left out, what was damaged is not") {
  const Facility facility;
  facility.import_phantom(2);
  has(facility.must({"verify", "name = \"nuclei_1\""}), "1 artifact verified, 0 damaged");
  has(facility.must({"verify", "--unless-within", "1 h"}),
      "3 artifacts verified, 0 damaged, 1 found sound within 1 h and left out");
  const fs::path damaged = artifacts(facility).back();
  flip(h5(damaged), middle(h5(damaged)));
  CHECK(facility.voxflow({"verify"}).exit_code == 3);
  has(facility.voxflow({"verify", "--unless-within", "1 h"}).out, "1 artifact verified, 1 damaged, 3 found sound");
  has(facility.must({"verify", "name = \"nuclei_1\"", "--unless-within", "0 s"}), "1 artifact verified");
  // A line that was cut short counts for nothing.
  std::ofstream(facility.archive() / "verified.tsv", std::ios::app) << "2099-01-01T00:00:00.000Z\tsou";
  has(facility.voxflow({"verify", "--unless-within", "1 h"}).out, "1 artifact verified, 1 damaged, 3 found sound");
  const Outcome wrong = facility.voxflow({"verify", "--unless-within", "30"});
  CHECK(wrong.exit_code == 2);
  has(wrong.err, "--unless-within is '30', wanted is a time with its unit, as '30 days'");
}

TEST_CASE("a replica holds verified copies, and damaged artifacts are restored from it and kept aside") {
  const Facility facility;
  facility.import_phantom(2);
  const std::string replica = (facility / "replica").string();
  has(facility.must({"replicate", "--to", replica}),
      "4 artifacts copied to '" + replica + "', 0 there before, 0 damaged");
  has(facility.must({"replicate", "--to", replica}), "0 artifacts copied to '" + replica + "', 4 there before");

  const auto all = artifacts(facility);
  const std::string sound = text_of(h5(all[0])), manifest = text_of(all[1] / "manifest.json");
  flip(h5(all[0]), middle(h5(all[0])));
  flip(all[1] / "manifest.json", 0);
  fs::permissions(all[2], fs::perms::owner_write, fs::perm_options::add);
  fs::remove(h5(all[2]));
  const Outcome repaired = facility.voxflow({"verify", "--repair", replica});
  INFO(repaired.out);
  CHECK(repaired.exit_code == 0);
  has(repaired.out, (all[1] / "manifest.json").string() + "' is damaged");
  has(repaired.out, h5(all[2]).string() + ": the file is missing");
  has(repaired.out, "4 artifacts verified, 3 damaged, 3 restored from '" + replica + "'");
  CHECK(text_of(h5(all[0])) == sound);
  CHECK(text_of(all[1] / "manifest.json") == manifest);
  has(facility.must({"verify"}), "4 artifacts verified, 0 damaged");
  const fs::path aside = facility.archive() / "damaged" / fs::relative(all[0], facility.archive());
  CHECK(text_of(h5(aside)) != sound);
  has(facility.must({"find", "kind = \"acquisition\"", "--count"}), "4");
}

TEST_CASE("damage does not spread: neither into a replica nor out of one") {
  const Facility facility;
  facility.import_phantom(1);
  const std::string replica = (facility / "replica").string();
  const auto all = artifacts(facility);
  flip(h5(all[0]), middle(h5(all[0])));
  const Outcome outcome = facility.voxflow({"replicate", "--to", replica});
  CHECK(outcome.exit_code == 3);
  has(outcome.out, "'" + h5(all[0]).string() + "' is not the file that was published");
  has(outcome.out, "1 artifact copied to '" + replica + "', 0 there before, 1 damaged");
  CHECK(!fs::exists(fs::path(replica) / fs::relative(all[0], facility.archive())));
  const Outcome without = facility.voxflow({"verify", "--repair", replica});
  CHECK(without.exit_code == 3);
  has(without.out, "the replica '" + replica + "' has no '");
  const fs::path copy = fs::path(replica) / fs::relative(all[1], facility.archive());
  flip(h5(all[1]), middle(h5(all[1])));
  flip(h5(copy), middle(h5(copy)));
  const Outcome both = facility.voxflow({"verify", "--repair", replica});
  CHECK(both.exit_code == 3);
  has(both.out, "the replica's '" + h5(copy).string() + "' is damaged too; nothing was changed");
  CHECK(!fs::exists(facility.archive() / "damaged"));
  CHECK(facility.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a folder that is another archive's replica, or something else, is not written to") {
  const Facility facility, other;
  other.import_phantom(1);
  facility.import_phantom(1);
  const std::string replica = (other / "replica").string();
  other.must({"replicate", "--to", replica});
  const Outcome foreign = facility.voxflow({"replicate", "--to", replica});
  CHECK(foreign.exit_code == 2);
  has(foreign.err, "'" + replica + "' is the replica of another archive; name another folder");
  facility.write("notes.txt", "mine");
  const Outcome full = facility.voxflow({"replicate", "--to", (facility / ".").string()});
  CHECK(full.exit_code == 2);
  has(full.err, "is no replica and is not empty; name a new folder");
  const Outcome none = facility.voxflow({"verify", "--repair", (facility / "nowhere").string()});
  CHECK(none.exit_code == 2);
  has(none.err, "nowhere' is no replica to repair from; `voxflow replicate --to` makes one");
  CHECK_FALSE(fs::exists(facility / "nowhere"));
}

TEST_CASE("what dead processes left is named and removed") {
  const Facility facility;
  facility.import_phantom(1);
  has(facility.must({"clean"}), "0 left-overs removed");
  const fs::path left = facility.archive() / "demo/acquisitions/.tmp-elsewhere-1-abcdef";
  fs::create_directory(left);
  fs::last_write_time(left, fs::file_time_type::clock::now() - std::chrono::hours(49));
  const std::string look = facility.must({"clean", "--dry-run"});
  has(look, left.string());
  has(look, "1 left-over would be removed");
  CHECK(fs::exists(left));
  has(facility.must({"clean"}), "1 left-over removed");
  CHECK(!fs::exists(left));
}
