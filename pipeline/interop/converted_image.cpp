#include "pipeline/interop/converted_image.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/tiff_image.hpp"

extern char** environ;

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
using Command = std::vector<std::string>;
constexpr std::size_t kLastLines = 5;

/// Where the program lies: a path as it stands, a name on PATH; nothing when it cannot be run.
std::optional<fs::path> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos)
    return access(name.c_str(), X_OK) == 0 ? std::optional<fs::path>(name) : std::nullopt;
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path != nullptr ? path : "", ':'))
    if (const fs::path program = fs::path(folder) / name; access(program.c_str(), X_OK) == 0) return program;
  return std::nullopt;
}

/// Runs a program with its output in `log`; its exit code, or 128 + the signal that ended it.
int run(const fs::path& program, const Command& command, const fs::path& log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw_errno(fmt::format("cannot run '{}'", program.string()), error);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw_errno(fmt::format("cannot wait for '{}'", program.string()), errno);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// The last lines that a program wrote, each behind a line break; "" when it wrote none.
std::string last_words(const fs::path& log) {
  auto lines = split(read_file(log), '\n');
  std::erase_if(lines, [](const std::string& line) { return trim(line).empty(); });
  const std::size_t first = lines.size() - std::min(lines.size(), kLastLines);
  std::string words;
  for (std::size_t i = first; i < lines.size(); ++i) words += "\n  " + lines[i];
  return words;
}

Command filled(Command command, const fs::path& input, const fs::path& output) {
  const auto replace = [](std::string& word, std::string_view field, const std::string& value) {
    if (const auto at = word.find(field); at != std::string::npos) word.replace(at, field.size(), value);
  };
  for (std::string& word : command) {
    replace(word, "{input}", input.string());
    replace(word, "{output}", output.string());
  }
  return command;
}

/// The first line that the converter prints when it is asked for its version; "" when that fails.
std::string version_of(const record::Converter& converter, const fs::path& folder) {
  if (converter.version.empty()) return "";
  const auto program = find_program(converter.version.front());
  const fs::path log = folder / "version.log";
  if (!program || run(*program, converter.version, log) != 0) return "";
  return std::string(trim(split(read_file(log), '\n').front()));
}

class ConvertedImage : public ImageFile {
 public:
  ConvertedImage(const fs::path& file, const OpenOptions& options)
      : file_(file), folder_(fs::temp_directory_path(), "voxflow-convert-") {
    const record::Converter& converter = options.converter;
    const auto program = find_program(converter.command.front());
    if (!program)
      throw UserError(fmt::format(
          "'{}' is of no format that is read here, and the converter '{}' is not installed; install it (bfconvert "
          "is part of Bio-Formats' command-line tools), name another one under import.converter in the site "
          "settings, or save the image as OME-TIFF",
          file.string(), converter.command.front()));
    const fs::path output = folder_.path() / "converted.ome.tif", log = folder_.path() / "converter.log";
    const int code = run(*program, filled(converter.command, fs::absolute(file), output), log);
    const std::string name = fs::path(converter.command.front()).filename().string();
    if (code != 0)
      throw UserError(
          fmt::format("'{}': the converter {} ended with code {}{}", file.string(), name, code, with_last_words(log)));
    if (!fs::is_regular_file(output))
      throw UserError(fmt::format("'{}': the converter {} wrote no '{}'{}", file.string(), name,
                                  output.filename().string(), with_last_words(log)));
    image_ = with_context(fmt::format("'{}', converted by {}", file.string(), name),
                          [&] { return std::make_unique<TiffImage>(output, options); });
    found() = image_->facts();
    found().importer = {name, version_of(converter, folder_.path()), join(converter.command, " ")};
  }

  std::vector<fs::path> files() const override { return {file_}; }
  void read_planes(int t, int c, Index first, Index planes, void* voxels) override {
    image_->read_planes(t, c, first, planes, voxels);
  }
  Index planes_at_once() const override { return image_->planes_at_once(); }
  void close() override { image_->close(); }

 private:
  static std::string with_last_words(const fs::path& log) {
    const std::string words = last_words(log);
    return words.empty() ? " and said nothing" : "; its last words:" + words;
  }

  fs::path file_;
  TemporaryDirectory folder_;
  std::unique_ptr<TiffImage> image_;
};
}  // namespace

std::unique_ptr<ImageFile> open_converted(const fs::path& file, const OpenOptions& options) {
  return std::make_unique<ConvertedImage>(file, options);
}

}  // namespace voxflow::interop
