// Plans and journals, as a run keeps them on disk.
#include "pipeline/record/plan.hpp"

#include <doctest/doctest.h>

#include "tests/record/samples.hpp"
#include "tests/support/messages.hpp"

using namespace voxflow;
using namespace voxflow::record;
using test::message_of;

namespace {
Plan plan() {
  Plan p;
  p.run = "2026-11-22_1", p.workflow = "first_look", p.workflow_sha256 = sha256("yaml").hex();
  p.workflow_file = "workflows/first_look.yaml", p.archive = "/archive", p.created = "2026-11-22T08:15:30.123Z";
  p.agent = "mira", p.images = 3, p.notes = {"embryo 4 has no PSF and is left out"};
  p.tasks = {{sample_task(), TaskState::done, false, {}},
             {sample_task(), TaskState::waiting, true, {"parameter radius is 0.4, was 0.3"}}};
  return p;
}
}  // namespace

TEST_CASE("a plan reads back as it was written") {
  CHECK(Plan::from_json(plan().to_json()) == plan());
  CHECK(plan().waiting() == 1);
}

TEST_CASE("what is no plan, or one of a later format, is refused") {
  CHECK(message_of<UserError>([] { Plan::from_json(R"({"format":"voxflow-batch","format_version":1})"); }) ==
        "this is not a plan of voxflow: its format is 'voxflow-batch'");
  CHECK(message_of<UserError>([] { Plan::from_json(R"({"format":"voxflow-plan","format_version":2})"); }) ==
        "the plan has format version 2, this voxflow knows up to 1; use a newer voxflow");
}

TEST_CASE("each kind of journal line is one line and reads back") {
  const std::vector<JournalEntry> entries{
      {sample_report()},
      {JobLine{"submitted", "b1", "4711", "two tasks", "2026-11-22T08:15:30.123Z", 2}},
      {RunLine{"started", "n3", "detached", "2026-11-22T08:15:30.123Z", 321}}};
  for (const JournalEntry& entry : entries) {
    CHECK(entry.to_json().find('\n') == std::string::npos);
    CHECK(JournalEntry::from_json(entry.to_json()) == entry);
  }
}

TEST_CASE("the last line of a killed head is recognised as none") {
  const std::string line = JournalEntry{sample_report()}.to_json();
  for (std::size_t length : {std::size_t{0}, std::size_t{1}, line.size() / 2, line.size() - 1})
    CHECK_THROWS_AS(JournalEntry::from_json(line.substr(0, length)), UserError);
  CHECK(message_of<UserError>([] { JournalEntry::from_json(R"({"line":"moon"})"); }) ==
        "'moon' is not a kind of journal line");
}
