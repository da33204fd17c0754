// What a site says of its scheduler and of the programs it has installed. A value; read by pipeline/workflow.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace voxflow::record {

/// How jobs are submitted to SLURM. Empty texts and zeros leave the choice to SLURM.
struct SlurmSite {
  std::string partition, account, qos, constraint, gres;
  std::map<std::string, std::string> options;      // further ones of the submission, by sbatch's long names
  int cores_per_job = 0;                           // most cores of one job; 0: those of the partition's largest node
  int parallel_jobs = 0;                           // jobs worth having submitted at a time; 0: one a node
  double time_limit_s = 0;                         // longest job; 0: the partition's
  std::map<std::string, std::string> environment;  // of jobs
  std::vector<std::string> setup;                  // shell lines that a job begins with: module load, ...
  std::vector<std::string> srun;                   // options that launch teams, beside voxflow's own
  friend bool operator==(const SlurmSite&, const SlurmSite&) = default;
};

/// The program that makes OME-TIFFs of image formats which are not read here.
struct Converter {
  std::vector<std::string> command{"bfconvert", "-no-upgrade", "-overwrite", "{input}", "{output}"};
  std::vector<std::string> version{"bfconvert", "-version"};  // prints its version on the first line; may be empty
  friend bool operator==(const Converter&, const Converter&) = default;
};

struct Site {
  SlurmSite slurm;
  Converter converter;
  friend bool operator==(const Site&, const Site&) = default;
};

/// The options that SlurmSite::options may hold.
inline const std::vector<std::string>& slurm_option_names() {
  static const std::vector<std::string> names{"exclude", "licenses", "nice", "nodelist", "reservation", "wckey"};
  return names;
}

}  // namespace voxflow::record
