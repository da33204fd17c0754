// Tasks, batches and reports, as they go from the plan to a batch and from a batch to a team.
#include "pipeline/record/task.hpp"

#include <doctest/doctest.h>

#include "tests/record/samples.hpp"
#include "tests/support/messages.hpp"

using namespace voxflow;
using namespace voxflow::record;
using test::message_of;

TEST_CASE("a task reads back as it was written, with the same key") {
  const Task back = Task::from_json(sample_task().to_json());
  CHECK(back == sample_task());
  CHECK(back.identity.key() == sample_task().identity.key());
  Task plain;
  plain.identity.params = "{}";
  CHECK(Task::from_json(plain.to_json()) == plain);
}

TEST_CASE("a batch reads back with its tasks in order") {
  Batch b;
  b.id = "b1", b.run = "2026-11-22_1", b.archive = "/archive", b.agent = "mira", b.job = "4711";
  b.cores = 6, b.hang_timeout_s = 12.5, b.plugin_folders = {"/a", "/b"};
  b.tasks = {sample_task(), sample_task()};
  b.tasks[1].step = "measure";
  CHECK(Batch::from_json(b.to_json()) == b);
}

TEST_CASE("what is no batch, or one of a later format, is refused") {
  CHECK(message_of<UserError>([] { Batch::from_json(R"({"format":"voxflow-plan","format_version":1})"); }) ==
        "this is not a batch of voxflow: its format is 'voxflow-plan'");
  CHECK(message_of<UserError>([] { Batch::from_json(R"({"format":"voxflow-batch","format_version":2})"); }) ==
        "the batch has format version 2, this voxflow knows up to 1; use a newer voxflow");
  CHECK(message_of<UserError>([] { Task::from_json(R"({"key":5})"); }).starts_with("this is not a task of voxflow: "));
}

TEST_CASE("a report is one line and reads back") {
  const std::string line = sample_report().to_json();
  CHECK(line.find('\n') == std::string::npos);
  CHECK(TaskReport::from_json(line) == sample_report());
  const TaskReport done{sha256("task"), TaskState::done, 1, "", "", "", "", 2, "2026-11-22T08:15:30.123Z"};
  CHECK(TaskReport::from_json(done.to_json()) == done);
  CHECK(message_of<UserError>([] {
          TaskReport::from_json("{\"key\":\"" + sha256("task").hex() + "\",\"state\":\"lost\"}");
        }) == "'lost' is not a task state");
}

TEST_CASE("a task's state has one name") {
  for (const auto s : {TaskState::waiting, TaskState::running, TaskState::done, TaskState::failed, TaskState::skipped})
    CHECK(task_state_from(to_string(s)) == s);
  CHECK(!task_state_from("lost"));
}

TEST_CASE("artifacts lie under their project, spread over folders by the first two digits") {
  const Digest d = sha256("abc");
  CHECK(result_folder("malaria", d) == "malaria/results/ba/" + d.hex());
  CHECK(acquisition_folder("malaria", d) == "malaria/acquisitions/ba/" + d.hex());
}
