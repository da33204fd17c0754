// scripts/test-cluster itself: clusters side by side, without root, and what is left of them: nothing.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "pipeline/core/text.hpp"
#include "tests/slurm/cluster.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/soon.hpp"
#include "tests/support/text_of.hpp"

namespace fs = std::filesystem;
using namespace voxflow::test;

namespace {
std::string script() {
  return (project_folder() / "scripts/test-cluster").string();
}

/// Numbers of the cluster's processes that still run.
std::vector<std::string> processes_of(const std::string& state) {
  std::vector<std::string> running;
  for (const std::string& line : voxflow::split(state, '\n'))
    if (const auto words = voxflow::split(line, ' '); words.front() == "process" && fs::exists("/proc/" + words.at(1)))
      running.push_back(words.at(1));
  return running;
}
}  // namespace

TEST_CASE("a second cluster stands beside the first; taken down, it leaves no process, network or namespace") {
  const Cluster* first = Cluster::get();
  if (first == nullptr) return;
  const TestFolder folder;
  const fs::path second = folder / "c";
  const std::string networks_before = run_program("ip", {"-brief", "link"}).out;
  const std::string spaces_before = run_program("ip", {"netns"}).out;

  const Outcome up =
      run_program(script(), {"up", second.string(), "--nodes", "2", "--owner", std::to_string(getpid())});
  INFO(up.err);
  REQUIRE(up.exit_code == 0);
  has(up.out, "up: 2 nodes");
  CHECK(nodes_of({{"SLURM_CONF", (second / "slurm.conf").string()}}) == "n1 idle\nn2 idle\n");
  CHECK(run_program(script(), {"status", second.string()}).exit_code == 0);
  const std::string state = text_of(second / "cluster");
  CHECK(processes_of(state).size() == 5);  // munged, slurmctld, two slurmd, the watch

  const Outcome down = run_program(script(), {"down", second.string()});
  CHECK(down.exit_code == 0);
  CHECK(soon([&] { return processes_of(state).empty(); }));
  CHECK(run_program("ip", {"-brief", "link"}).out == networks_before);
  CHECK(run_program("ip", {"netns"}).out == spaces_before);
  CHECK(run_program(script(), {"status", second.string()}).exit_code == 1);
  has(run_program(script(), {"down", second.string()}).out, "there is no cluster");
  CHECK(soon([&] { return nodes_of(first->environment()) == "n1 idle\nn2 idle\nn3 idle\n"; }));
}

TEST_CASE("a cluster ends when its owner does") {
  if (Cluster::get() == nullptr) return;
  const TestFolder folder;
  const fs::path cluster = folder / "c";
  const Outcome owner = run_program(
      "bash",
      {"-c", "\"$0\" up \"$1\" --nodes 1 --owner $$ && cp \"$1/cluster\" \"$1.was\"", script(), cluster.string()});
  INFO(owner.err);
  REQUIRE(owner.exit_code == 0);
  const std::string state = text_of(folder / "c.was");
  CHECK(soon([&] { return processes_of(state).empty() && !fs::exists(cluster / "cluster"); }));
}

TEST_CASE("without root a cluster has one node that runs jobs; more are refused with what they need") {
  if (Cluster::get() == nullptr) return;
  if (geteuid() != 0) return;  // the clusters of the other cases are such ones then
  constexpr uid_t kNobody = 65534;
  const TestFolder folder;
  const fs::path own = folder / "o";
  fs::create_directory(own);
  fs::copy_file(script(), own / "test-cluster");
  fs::permissions(folder.path(), fs::perms(0711));
  REQUIRE(::chown(own.c_str(), kNobody, kNobody) == 0);
  REQUIRE(::chown((own / "test-cluster").c_str(), kNobody, kNobody) == 0);
  const auto as_nobody = [&](std::vector<std::string> command, const std::map<std::string, std::string>& environment) {
    command.insert(command.begin(), {"--reuid=65534", "--regid=65534", "--clear-groups"});
    return run_program("setpriv", command, own, environment);
  };
  const std::string program = (own / "test-cluster").string(), cluster = (own / "c").string();
  const Outcome three = as_nobody({program, "up", cluster, "--nodes", "3"}, {});
  CHECK(three.exit_code == 77);
  has(three.err, "3 nodes need root and the right to make network namespaces");
  has(three.err, "run it as root, or with --nodes 1");

  const Outcome up = as_nobody({program, "up", cluster, "--owner", std::to_string(getpid())}, {});
  INFO(up.err);
  REQUIRE(up.exit_code == 0);
  has(up.out, "up: 1 node");
  const Outcome job = as_nobody({"srun", "--ntasks", "2", "id", "-u"}, {{"SLURM_CONF", cluster + "/slurm.conf"}});
  CHECK(job.out == "65534\n65534\n");
  const std::string state = text_of(own / "c/cluster");
  CHECK(as_nobody({program, "down", cluster}, {}).exit_code == 0);
  CHECK(soon([&] { return processes_of(state).empty(); }));
}

TEST_CASE("a mistake in the call is named, and changes nothing") {
  const TestFolder folder;
  const auto refusal = [&](std::vector<std::string> arguments) {
    const Outcome outcome = run_program(script(), arguments);
    CHECK(outcome.exit_code == 2);
    return outcome.err;
  };
  const std::string cluster = (folder / "c").string();
  has(refusal({"up", cluster, "--nodes", "99"}), "--nodes is '99', allowed 1 to 16");
  has(refusal({"up", cluster, "--hours", "0"}), "--hours is '0', allowed 1 to 99");
  has(refusal({"up", cluster, "--owner", "0"}), "--owner is '0', which is no running process");
  has(refusal({"up", cluster, "--node", "2"}), "'--node' is not an option of up");
  has(refusal({"up", cluster + std::string(90, 'x')}), "allowed 80 (sockets lie in it)");
  CHECK(!fs::exists(cluster));
}
