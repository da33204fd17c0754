// The private SLURM of these tests: brought up once for all of them, taken down at the program's end, however it ends.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "tests/support/program.hpp"
#include "tests/support/temporary.hpp"

namespace voxflow::test {

/// Name and state of a cluster's nodes, a line each; the environment names the cluster.
std::string nodes_of(const std::map<std::string, std::string>& environment);

class Cluster {
 public:
  /// The cluster of three nodes; nullptr, after saying why, where this machine cannot have one.
  static Cluster* get();
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// For programs that are to use it.
  std::map<std::string, std::string> environment() const;
  /// One of scripts/test-cluster's commands on it, which must succeed.
  void command(const std::string& verb, const std::string& node) const;
  /// What squeue prints of all jobs that have not ended.
  std::string queue() const;

 private:
  Cluster();
  Outcome script(std::vector<std::string> arguments) const;
  TestFolder folder_;
  Outcome up_;
};

}  // namespace voxflow::test
