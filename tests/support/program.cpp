#include "tests/support/program.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <sys/wait.h>

#include "pipeline/core/text.hpp"
#include "tests/support/temporary.hpp"

namespace fs = std::filesystem;

namespace voxflow::test {

namespace {
std::string content(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}
}  // namespace

Outcome run_program(const std::string& program, const std::vector<std::string>& arguments, const fs::path& folder,
                    const std::map<std::string, std::string>& environment) {
  const TestFolder streams;
  std::string line = "cd " + shell_quote(folder.string()) + " && env";
  for (const auto& [name, value] : environment) line += " " + shell_quote(name + "=" + value);
  const fs::path built = bin_folder() / program;
  line += " " + shell_quote(fs::exists(built) ? built.string() : program);
  for (const std::string& argument : arguments) line += " " + shell_quote(argument);
  line +=
      " >" + shell_quote((streams / "out").string()) + " 2>" + shell_quote((streams / "err").string()) + " </dev/null";
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content(streams / "out"),
          content(streams / "err")};
}

fs::path bin_folder() {
  return VOXFLOW_TEST_BIN_FOLDER;
}

fs::path project_folder() {
  return VOXFLOW_TEST_PROJECT_FOLDER;
}

fs::path test_data() {
  if (const char* named = std::getenv("VOXFLOW_TEST_DATA"); named != nullptr) return named;
  const fs::path beside = project_folder() / ".." / "shared" / "data";
  return fs::exists(beside) ? beside.lexically_normal() : fs::path();
}

}  // namespace voxflow::test
