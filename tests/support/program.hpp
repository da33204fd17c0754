// Runs the project's programs as a user does and catches what they say.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace voxflow::test {

struct Outcome {
  int exit_code = -1;  // 128 + signal when it was killed
  std::string out, err;
};

/// Runs `program` (build/bin is searched first) with `arguments` in `folder`, with `environment` added, and waits.
Outcome run_program(const std::string& program, const std::vector<std::string>& arguments,
                    const std::filesystem::path& folder = ".",
                    const std::map<std::string, std::string>& environment = {});

/// Folder of the built programs, and of the project's sources.
std::filesystem::path bin_folder();
std::filesystem::path project_folder();

/// The real test images, where they are: VOXFLOW_TEST_DATA, else ../shared/data from the project; else empty.
std::filesystem::path test_data();

}  // namespace voxflow::test
