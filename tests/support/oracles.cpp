#include "tests/support/oracles.hpp"

#include <doctest/doctest.h>

#include "pipeline/core/files.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary.hpp"

namespace fs = std::filesystem;

namespace voxflow::test {

namespace {
constexpr const char* kImageJ = "/usr/share/java/ij.jar";
constexpr const char* kBeanShell = "/usr/share/java/bsh.jar";
constexpr const char* kJhdf5 = "/usr/share/java/sis-jhdf5.jar";
constexpr const char* kJhdf5Base = "/usr/share/java/sis-base.jar";
constexpr const char* kNativeLibraries = "/usr/lib/jni";

/// The first Python that has tifffile; another one may stand in front of Debian's.
const std::string& python() {
  static const std::string found = [] {
    for (const std::string candidate : {"python3", "/usr/bin/python3"})
      if (run_program(candidate, {"-c", "import numpy, tifffile"}).exit_code == 0) return candidate;
    return std::string();
  }();
  return found;
}

std::string said(const Outcome& outcome) {
  return outcome.exit_code == 0 ? outcome.out : outcome.out + outcome.err;
}
}  // namespace

std::optional<std::string> python_says(const std::string& program, const std::vector<std::string>& arguments) {
  if (python().empty()) {
    MESSAGE("skipped: python3 with tifffile is not installed");
    return std::nullopt;
  }
  std::vector<std::string> all{"-c", program};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return said(run_program(python(), all));
}

std::optional<std::string> imagej_says(const std::string& program, const std::vector<std::string>& arguments) {
  static const bool installed =
      fs::exists(kImageJ) && fs::exists(kBeanShell) && run_program("java", {"-version"}).exit_code == 0;
  if (!installed) {
    MESSAGE("skipped: ImageJ (libij-java), BeanShell (bsh) or java is not installed");
    return std::nullopt;
  }
  const TestFolder folder;
  const fs::path script = folder / "read.bsh";
  write_file_atomically(script, program);
  std::vector<std::string> all{
      "-Djava.awt.headless=true", "-Dfile.encoding=UTF-8", "-cp", std::string(kImageJ) + ":" + kBeanShell,
      "bsh.Interpreter",          script.string()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return said(run_program("java", all));
}

std::optional<std::string> java_says(const fs::path& program, const std::vector<std::string>& arguments) {
  static const bool installed = fs::exists(kImageJ) && fs::exists(kJhdf5) && fs::exists(kJhdf5Base) &&
                                run_program("javac", {"-version"}).exit_code == 0;
  if (!installed) {
    MESSAGE("skipped: ImageJ (libij-java), JHDF5 (libsis-jhdf5-java) or a JDK (default-jdk-headless) is not installed");
    return std::nullopt;
  }
  std::vector<std::string> all{"-Djava.awt.headless=true", std::string("-Djava.library.path=") + kNativeLibraries,
                               "-cp", std::string(kImageJ) + ":" + kJhdf5 + ":" + kJhdf5Base, program.string()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  // No plugins: a file has to be readable by what the library itself brings.
  return said(run_program("java", all, ".", {{"HDF5_PLUGIN_PATH", ""}}));
}

}  // namespace voxflow::test
