#include "tests/slurm/cluster.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <vector>

namespace voxflow::test {

namespace {
constexpr int kNotHere = 77;
}

std::string nodes_of(const std::map<std::string, std::string>& environment) {
  return run_program("sinfo", {"--noheader", "--Node", "--format=%N %T"}, ".", environment).out;
}

Cluster* Cluster::get() {
  static Cluster cluster;
  if (cluster.up_.exit_code == kNotHere) {
    // CTest counts the test as skipped by these words.
    MESSAGE("SLURM tests are skipped: " << cluster.up_.err);
    return nullptr;
  }
  INFO(cluster.up_.err);
  REQUIRE(cluster.up_.exit_code == 0);
  return &cluster;
}

Cluster::Cluster() {
  up_ = script({"up", (folder_ / "c").string(), "--nodes", "3", "--owner", std::to_string(getpid()), "--hours", "1"});
}

Cluster::~Cluster() {
  script({"down", (folder_ / "c").string()});
}

std::map<std::string, std::string> Cluster::environment() const {
  return {{"SLURM_CONF", (folder_ / "c/slurm.conf").string()}};
}

void Cluster::command(const std::string& verb, const std::string& node) const {
  const Outcome outcome = script({verb, (folder_ / "c").string(), node});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
}

std::string Cluster::queue() const {
  return run_program("squeue", {"--noheader"}, ".", environment()).out;
}

Outcome Cluster::script(std::vector<std::string> arguments) const {
  return run_program((project_folder() / "scripts/test-cluster").string(), arguments);
}

}  // namespace voxflow::test
