// Workflows on a real SLURM of three nodes: the digests of a local run, cancellation, a lost node, and what it refuses.
#include <doctest/doctest.h>

#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>

#include "tests/cli/facility.hpp"
#include "tests/slurm/cluster.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/soon.hpp"
#include "tests/support/text_of.hpp"

namespace fs = std::filesystem;
using namespace voxflow::test;

namespace {
std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string first_look() {
  return text_of(project_folder() / "workflows/first_look.yaml");
}

/// A facility whose images and archive are those of another one.
void become(const Facility& copy, const Facility& original) {
  fs::remove_all(copy.archive());
  fs::copy(original.archive(), copy.archive(), fs::copy_options::recursive);
}

/// Task key and content digests of every result, from the manifests.
std::map<std::string, std::string> digests(const Facility& facility) {
  std::map<std::string, std::string> all;
  for (const std::string& folder : facility.artifacts()) {
    const std::string manifest = text_of(facility.archive() / folder / "manifest.json");
    std::string found;
    for (auto at = manifest.find("\"content_digest\""); at != std::string::npos;
         at = manifest.find("\"content_digest\"", at + 1))
      found += manifest.substr(at, manifest.find_first_of(",}\n", at) - at) + "\n";
    REQUIRE(!found.empty());
    all[folder] = found;
  }
  return all;
}

/// The process whose command line begins with `words`; 0 where there is none.
pid_t process_of(const std::vector<std::string>& words) {
  std::string wanted;
  for (const auto& word : words) wanted += word + '\0';
  for (const auto& entry : fs::directory_iterator("/proc"))
    if (const pid_t pid = std::atoi(entry.path().filename().c_str()); pid > 0)
      if (text_of(entry.path() / "cmdline").starts_with(wanted)) return pid;
  return 0;
}

/// Options of `voxflow run` for site settings with these lines below `slurm:`.
std::vector<std::string> run_command(const Facility& facility, const std::string& workflow, const std::string& slurm) {
  return {"run",        facility.write("workflow.yaml", workflow).string(),
          "--executor", "slurm",
          "--site",     facility.write("site.yaml", "voxflow_site: 1\nslurm:\n  partition: main\n" + slurm).string()};
}
}  // namespace

TEST_CASE("a workflow on three SLURM nodes has the digests of a local run") {
  const Cluster* cluster = Cluster::get();
  if (cluster == nullptr) return;
  const Facility local, array, spread;
  local.import_phantom(3);
  become(array, local);
  become(spread, local);
  local.must({"run", local.write("workflow.yaml", first_look()).string()});

  const Outcome one = array.voxflow(run_command(array, first_look(), ""), cluster->environment());
  INFO(one.err);
  has(one.out, "12 done, 0 failed, 0 skipped");
  CHECK(digests(array) == digests(local));
  CHECK(array.leftovers() == std::vector<std::string>{});
  has(array.voxflow(run_command(array, first_look(), ""), {{"SLURM_CONF", "/none"}}).out, "nothing is to be done");

  // Teams of six ranks, two on each node.
  const std::string wide = with(first_look(), "ranks: 2, memory: 1 GB", "ranks: 6, memory: 3 GB");
  const Outcome two = spread.voxflow(
      run_command(spread, wide, "  cores_per_job: 6\n  environment: { OMPI_MCA_mpi_yield_when_idle: \"1\" }\n"),
      cluster->environment());
  INFO(two.err);
  has(two.out, "12 done, 0 failed, 0 skipped");
  CHECK(digests(spread) == digests(local));
}

namespace {
/// A run of tasks that wait until they are cancelled.
class PatientRun {
 public:
  PatientRun(const Facility& facility, const Cluster& cluster)
      : facility_(facility), environment_(cluster.environment()) {
    environment_["VOXFLOW_KERNEL_PATH"] = VOXFLOW_TEST_FAULT_KERNELS;
  }
  std::future<Outcome> start() const {
    return std::async(std::launch::async, [this] { return again(); });
  }
  Outcome again() const {
    return facility_.voxflow(
        run_command(facility_,
                    "voxflow: 1\nworkflow: patient\nproject: demo\nselect: kind = \"acquisition\" and sample = "
                    "\"nuclei\"\nsteps:\n"
                    "  wait: { kernel: test.fault, input: image, params: { kind: patient } }\n"
                    "resources: { default: { ranks: 2, memory: 1 GB, time: 10 min } }\n",
                    ""),
        environment_);
  }
  /// Run folders with a task that has begun.
  std::set<fs::path> at_work() const {
    std::set<fs::path> runs;
    for (const auto& entry : fs::recursive_directory_iterator(facility_.archive() / "runs"))
      if (entry.path().string().ends_with(".reports") && text_of(entry.path()).find("running") != std::string::npos)
        runs.insert(entry.path().parent_path().parent_path());
    return runs;
  }
  void signal_head(int signal) const {
    const pid_t head = process_of({(bin_folder() / "voxflow").string(), "--archive", facility_.archive().string()});
    REQUIRE(head > 0);
    ::kill(head, signal);
  }

 private:
  const Facility& facility_;
  std::map<std::string, std::string> environment_;
};
}  // namespace

TEST_CASE("an interrupted run cancels its jobs and leaves none behind") {
  const Cluster* cluster = Cluster::get();
  if (cluster == nullptr) return;
  const Facility facility;
  facility.import_phantom(2);
  const PatientRun patient(facility, *cluster);
  auto run = patient.start();
  CHECK(soon([&] { return !patient.at_work().empty(); }));
  patient.signal_head(SIGINT);
  const Outcome outcome = run.get();
  INFO(outcome.err);
  CHECK(outcome.exit_code == 1);
  has(outcome.out, "cancelled");
  CHECK(soon([&] { return cluster->queue().empty(); }));
  CHECK(facility.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a second head is refused while the first is at work; the jobs of one that was killed are cancelled") {
  const Cluster* cluster = Cluster::get();
  if (cluster == nullptr) return;
  const Facility facility;
  facility.import_phantom(1);
  const PatientRun patient(facility, *cluster);
  auto first = patient.start();
  CHECK(soon([&] { return !patient.at_work().empty(); }));
  const std::string name = patient.at_work().begin()->filename().string();
  const Outcome second = patient.again();
  CHECK(second.exit_code == 2);
  has(second.err, "run " + name + " is at 1 of the same tasks (process ");
  has(second.err, "wait for its end, or end it with `kill ");

  patient.signal_head(SIGKILL);
  first.get();
  CHECK(cluster->queue() != "");  // its job does not know
  auto third = patient.start();
  CHECK(soon([&] { return patient.at_work().size() == 2; }));
  has(facility.must({"status", name}), "interrupted, run ");
  patient.signal_head(SIGINT);
  const Outcome outcome = third.get();
  has(outcome.err, "run " + name + " was interrupted; 1 of its jobs were left and are cancelled");
  CHECK(soon([&] { return cluster->queue().empty(); }));
}

TEST_CASE("a node that is lost costs the run nothing but time") {
  const Cluster* cluster = Cluster::get();
  if (cluster == nullptr) return;
  const Facility facility;
  facility.import_phantom(3);
  // On the first node a job does not come to its work before the node is cut off.
  const auto command = run_command(facility, first_look(), "  setup: ['[ \"$(hostname)\" != n1 ] || sleep 120']\n");
  auto run = std::async(std::launch::async, [&] { return facility.voxflow(command, cluster->environment()); });
  CHECK(soon([&] { return cluster->queue().find(" n1") != std::string::npos; }));
  cluster->command("cut", "n1");
  const Outcome outcome = run.get();
  cluster->command("heal", "n1");
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  has(outcome.out, "12 done, 0 failed, 0 skipped");
  CHECK(soon([&] { return cluster->queue().empty(); }));
}

TEST_CASE("an archive is verified by jobs: damage is named and restored, and what was verified is known") {
  const Cluster* cluster = Cluster::get();
  if (cluster == nullptr) return;
  const Facility facility;
  facility.import_phantom(3);
  const std::string replica = (facility / "replica").string();
  facility.must({"replicate", "--to", replica});
  const auto verify = [&](std::vector<std::string> options) {
    options.insert(options.begin(), "verify");
    options.insert(options.end(), {"--executor", "slurm"});
    return facility.voxflow(options, cluster->environment());
  };
  const Outcome sound = verify({});
  INFO(sound.err);
  CHECK(sound.exit_code == 0);
  has(sound.out, "5 artifacts verified, 0 damaged");

  const fs::path file = facility.archive() / facility.artifacts().front() / "data.h5";
  std::string bytes = text_of(file);
  bytes[bytes.size() / 2] ^= 0x10;
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(file, std::ios::binary) << bytes;
  const Outcome damaged = verify({});
  CHECK(damaged.exit_code == 3);
  has(damaged.out, file.string() + ": the file is not the one that was published");
  has(damaged.out, file.string() + ": timepoint 0, channel ");
  has(damaged.out, "5 artifacts verified, 1 damaged");

  has(verify({"--unless-within", "1 day", "--repair", replica}).out,
      "1 artifact verified, 1 damaged, 1 restored from '" + replica + "', 4 found sound within 1 day and left out");
  has(facility.must({"verify"}), "5 artifacts verified, 0 damaged");
  CHECK(fs::is_empty(facility.archive() / "verifications"));

  // A job that dies before its work: what it should have verified is not said to be sound.
  const std::string site =
      facility.write("site.yaml", "voxflow_site: 1\nslurm:\n  partition: main\n  setup: ['exit 1']\n").string();
  const Outcome dead = verify({"--site", site});
  CHECK(dead.exit_code == 3);
  has(dead.out, "0 artifacts verified, 0 damaged");
  has(dead.err, "5 of 5 artifacts could not be verified (");
  has(dead.err, "the jobs' logs are in '" + (facility.archive() / "verifications").string());
}

TEST_CASE("what SLURM cannot do is said before anything runs, with whose turn it is") {
  const Cluster* cluster = Cluster::get();
  if (cluster == nullptr) return;
  const Facility facility;
  facility.import_phantom(1);
  const auto imported = facility.artifacts();
  const auto error_of = [&](int exit_code, const std::string& workflow, const std::string& slurm,
                            const std::map<std::string, std::string>& environment) {
    const Outcome outcome = facility.voxflow(run_command(facility, workflow, slurm), environment);
    INFO(outcome.err);
    CHECK(outcome.exit_code == exit_code);
    return outcome.err;
  };
  const auto here = cluster->environment();
  has(error_of(2, first_look(), "  partition: mian\n", here), "'slurm' has the key 'partition' twice");
  const Outcome mian =
      facility.voxflow({"run", facility.write("workflow.yaml", first_look()).string(), "--executor", "slurm", "--site",
                        facility.write("site.yaml", "voxflow_site: 1\nslurm: { partition: mian }\n").string()},
                       here);
  CHECK(mian.exit_code == 2);
  has(mian.err, "SLURM has no partition 'mian'; did you mean 'main'?");
  has(error_of(2, with(first_look(), "ranks: 2, memory: 1 GB", "ranks: 1, threads: 7, memory: 4 GB"), "", here),
      "requests 7 cores (1 ranks of 7 threads), a job has 2");
  auto plan_command = run_command(facility, with(first_look(), "memory: 1 GB", "memory: 90 GB"), "");
  plan_command.front() = "plan";
  const Outcome plan = facility.voxflow(plan_command, here);
  CHECK(plan.exit_code == 2);
  has(plan.err, "the largest node of partition 'main' has 4000 MB");
  has(error_of(2, with(first_look(), "memory: 1 GB", "memory: 90 GB"), "", here),
      "the largest node of partition 'main' has 4000 MB");
  has(error_of(2, first_look(), "  cores_per_job: 7\n", here), "slurm.cores_per_job of the site settings is 7");
  has(error_of(2, first_look(), "  constraint: gold\n", here), "Invalid feature specification");
  has(error_of(2, first_look(), "", {{"SLURM_CONF", "/none"}}), "SLURM_CONF is '/none', which cannot be read");
  const std::string bad = facility.write("bad.conf", "nonsense\n").string();
  has(error_of(2, first_look(), "", {{"SLURM_CONF", bad}}), "Parse error in file " + bad);
  has(error_of(2, first_look(), "", {{"VOXFLOW_SLURM_LIBRARY", "/none.so"}}), "this voxflow has no SLURM executor");
  const std::string silent =
      facility.write("silent.conf", text_of(here.at("SLURM_CONF")) + "SlurmctldPort=1\n").string();
  has(error_of(3, first_look(), "", {{"SLURM_CONF", silent}}), "is slurmctld running, and munge?");
  CHECK(facility.artifacts() == imported);
}
