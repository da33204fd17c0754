// What a site's settings say, and what is said of mistakes in them.
#include <doctest/doctest.h>

#include <string>

#include "pipeline/core/error.hpp"
#include "pipeline/workflow/site.hpp"

using namespace voxflow;

namespace {
record::SlurmSite slurm(const std::string& lines) {
  return workflow::parse_site({"site.yaml", "voxflow_site: 1\nslurm:\n" + lines}).slurm;
}

std::string error_of(const std::string& text) {
  try {
    workflow::parse_site({"site.yaml", text});
  } catch (const FileError& e) {
    return e.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
}  // namespace

TEST_CASE("site settings name where jobs go and how large they may be") {
  const auto s = slurm(
      "  partition: long\n  account: malaria\n  qos: night\n  constraint: avx2\n  gres: gpu:1\n  cores_per_job: 64\n"
      "  parallel_jobs: 20\n  time_limit: 24 h\n  options: { exclude: n7, nice: 100 }\n"
      "  environment: { OMPI_MCA_btl: self }\n  setup: [module load openmpi]\n  srun: [--network=sn_all]\n");
  CHECK(s.partition == "long");
  CHECK(s.account == "malaria");
  CHECK(s.qos == "night");
  CHECK(s.constraint == "avx2");
  CHECK(s.gres == "gpu:1");
  CHECK(s.cores_per_job == 64);
  CHECK(s.parallel_jobs == 20);
  CHECK(s.time_limit_s == 86400);
  CHECK(s.options.at("exclude") == "n7");
  CHECK(s.options.at("nice") == "100");
  CHECK(s.environment.at("OMPI_MCA_btl") == "self");
  CHECK(s.setup == std::vector<std::string>{"module load openmpi"});
  CHECK(s.srun == std::vector<std::string>{"--network=sn_all"});
}

TEST_CASE("what site settings do not say is left to SLURM") {
  CHECK(workflow::parse_site({"site.yaml", "voxflow_site: 1\n"}).slurm == record::SlurmSite{});
}

TEST_CASE("site settings name the converter of image formats, by default bfconvert") {
  const auto converter = [](const std::string& lines) {
    return workflow::parse_site({"site.yaml", "voxflow_site: 1\n" + lines}).converter;
  };
  CHECK(converter("").command.front() == "bfconvert");
  const auto other = converter("import: { converter: [czi2tiff, \"--in={input}\", \"{output}\"] }\n");
  CHECK(other.command == std::vector<std::string>{"czi2tiff", "--in={input}", "{output}"});
  CHECK(other.version.empty());
  CHECK(converter("import: { converter_version: [bf, -v] }\n").version == std::vector<std::string>{"bf", "-v"});
  CHECK(contains(error_of("voxflow_site: 1\nimport: { converter: [bf, \"{input}\"] }\n"),
                 "import.converter has no {output}; it is a command such as [bfconvert, \"{input}\", \"{output}\"]"));
  CHECK(contains(error_of("voxflow_site: 1\nimport: { convertor: [bf] }\n"),
                 "'import' has no key 'convertor'; did you mean 'converter'?"));
}

TEST_CASE("a mistake in site settings is shown with its place and what is allowed") {
  CHECK(contains(error_of("slurm: { partition: a }\n"), "'voxflow_site: 1' is missing"));
  CHECK(contains(error_of("voxflow_site: 2\n"), "site.yaml:1:15: error: voxflow_site is '2', allowed 1"));
  CHECK(contains(error_of("voxflow_site: 1\nslurm: { partitoin: a }\n"),
                 "site.yaml:2:10: error: 'slurm' has no key 'partitoin'; did you mean 'partition'?"));
  CHECK(contains(error_of("voxflow_site: 1\nslurm: { cores_per_job: 0 }\n"), "slurm.cores_per_job is 0, allowed 1 to"));
  CHECK(contains(error_of("voxflow_site: 1\nslurm: { time_limit: 24 }\n"), "slurm.time_limit"));
  CHECK(contains(error_of("voxflow_site: 1\nslurm: { time_limit: 10 s }\n"), "is 10 s, allowed 1 min and more"));
  CHECK(contains(error_of("voxflow_site: 1\nslurm: { options: { exclud: n1 } }\n"), "did you mean 'exclude'?"));
  CHECK(contains(error_of("voxflow_site: 1\nslurm: { setup: module load x }\n"), "a list is wanted"));
}

TEST_CASE("nice is a whole number") {
  CHECK(contains(error_of("voxflow_site: 1\nslurm: { options: { nice: abc } }\n"),
                 "slurm.options has nice 'abc', allowed is a whole number such as 100"));
}

TEST_CASE("a file of site settings that is not there is the user's mistake") {
  CHECK_THROWS_AS(workflow::load_site("none/site.yaml"), UserError);
}
