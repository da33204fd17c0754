#include "pipeline/plugins/registry.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "pipeline/core/error.hpp"
#include "pipeline/core/hash.hpp"
#include "tests/support/temporary.hpp"

namespace {
using namespace voxflow;
namespace fs = std::filesystem;

const fs::path kPlugins = TEST_PLUGINS;

fs::path plugin(const std::string& name) {
  return kPlugins / name / ("voxflow_kernel_test_" + name + ".so");
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const UserError& e) {
    return e.what();
  }
  return "accepted";
}

bool mentions(const std::string& text, std::initializer_list<std::string_view> parts) {
  return std::all_of(parts.begin(), parts.end(), [&](std::string_view p) {
    if (text.find(p) != std::string::npos) return true;
    MESSAGE("'" << text << "' does not mention '" << p << "'");
    return false;
  });
}

struct WholeVolume {
  struct Params {};
  static void describe(KernelSchema<Params>& k) {
    k.name("test.whole").version(1).summary("Whole.").blockwise(Blockwise::volume);
    k.output("mask", mask);
  }
  void run(const Params&, const Block&, Context&) const {}
};
}  // namespace

TEST_CASE("a plugin folder is loaded, and its kernels are found by name with file and digest") {
  plugins::Registry registry;
  registry.load_folder(kPlugins / "sound");
  const plugins::Entry& entry = registry.find("test.sound");
  CHECK(entry.kernel->schema().version == 3);
  CHECK(entry.file == fs::canonical(plugin("sound")));
  CHECK(entry.digest == sha256_file(plugin("sound")).hex());
  CHECK(registry.names() == std::vector<std::string>{"test.sound"});
  CHECK(registry.all().front() == &entry);
}

TEST_CASE("files of other names in a plugin folder are left alone") {
  test::TestFolder folder;
  std::ofstream(folder / "notes.txt") << "hello";
  std::ofstream(folder / "libother.so") << "hello";
  plugins::Registry registry;
  registry.load_folder(folder.path());
  CHECK(registry.names().empty());
}

TEST_CASE("the same plugin file given twice is loaded once") {
  plugins::Registry registry;
  registry.load_file(plugin("sound"));
  registry.load_file(plugin("sound"));
  CHECK(registry.names().size() == 1);
}

TEST_CASE("a plugin with another stamp is refused before it is asked for its kernel") {
  plugins::Registry registry;
  const std::string text = refusal([&] { registry.load_folder(kPlugins / "other_stamp"); });
  CHECK(mentions(text, {"voxflow_kernel_test_other_stamp.so", "SDK ABI number is " + std::to_string(kSdkAbi + 41),
                        "this program's is " + std::to_string(kSdkAbi), "build it again"}));
  CHECK(registry.names().empty());
}

TEST_CASE("every difference between two stamps is named") {
  const PluginStamp host{1, 12, 1, 0};
  CHECK(plugins::stamp_difference(host, host).empty());
  CHECK(mentions(
      plugins::stamp_difference({1, 13, 0, 1}, host),
      {"its g++ major version is 13, this program's is 12", "its use of the C++11 ABI is no, this program's is yes",
       "its use of the address sanitizer is yes, this program's is no"}));
}

TEST_CASE("an incomplete declaration is refused with everything that is missing") {
  plugins::Registry registry;
  const std::string text = refusal([&] { registry.load_file(plugin("undocumented")); });
  CHECK(mentions(text,
                 {"kernel 'test.undocumented'", "voxflow_kernel_test_undocumented.so",
                  "parameter 'strength' has no sentence", "parameter 'strength' has no range", "correct describe()"}));
}

TEST_CASE("a whole-volume kernel that cannot tell its memory is refused") {
  plugins::Registry registry;
  const std::string text = refusal([&] { registry.add(make_kernel<WholeVolume>()); });
  CHECK(mentions(text, {"kernel 'test.whole' of the program itself", "has no scratch_bytes()"}));
}

TEST_CASE("a name that is taken is refused, and both files are named") {
  test::TestFolder folder;
  const fs::path copy = folder / "voxflow_kernel_copy.so";
  fs::copy_file(plugin("sound"), copy);
  plugins::Registry registry;
  registry.load_file(plugin("sound"));
  const std::string text = refusal([&] { registry.load_folder(folder.path()); });
  CHECK(mentions(
      text, {"kernel 'test.sound'", "voxflow_kernel_copy.so", "is there already", "voxflow_kernel_test_sound.so"}));
}

TEST_CASE("a shared object that is no plugin is refused by the symbol that it lacks") {
  plugins::Registry registry;
  const std::string text = refusal([&] { registry.load_file(plugin("no_kernel")); });
  CHECK(mentions(text, {"voxflow_kernel_test_no_kernel.so", "no symbol 'voxflow_plugin_stamp'", "VOXFLOW_KERNEL("}));
}

TEST_CASE("a file that is no shared object is refused with the loader's words") {
  test::TestFolder folder;
  const fs::path file = folder / "voxflow_kernel_text.so";
  std::ofstream(file) << "not a program";
  plugins::Registry registry;
  const std::string text = refusal([&] { registry.load_file(file); });
  CHECK(mentions(text, {"voxflow_kernel_text.so", "cannot be loaded", "build it again"}));
}

TEST_CASE("a declaration that throws is refused with what it threw") {
  plugins::Registry registry;
  const std::string text = refusal([&] { registry.load_file(plugin("throwing")); });
  CHECK(mentions(text, {"voxflow_kernel_test_throwing.so", "describe() failed", "no calibration table"}));
}

TEST_CASE("a folder or file that is not there is refused by name") {
  plugins::Registry registry;
  CHECK(mentions(refusal([&] { registry.load_folder("/nowhere/kernels"); }),
                 {"kernel folder '/nowhere/kernels' cannot be read", "No such file", "VOXFLOW_KERNEL_PATH"}));
  CHECK(mentions(refusal([&] { registry.load_file("/nowhere/a.so"); }), {"'/nowhere/a.so' cannot be read"}));
}

TEST_CASE("an unknown kernel is answered with the nearest name, or with all of them") {
  plugins::Registry registry;
  CHECK(mentions(refusal([&] { registry.find("denoise.median"); }), {"'denoise.median'", "no kernel is loaded"}));
  registry.load_file(plugin("sound"));
  CHECK(mentions(refusal([&] { registry.find("test.sond"); }),
                 {"there is no kernel 'test.sond'; did you mean 'test.sound'?"}));
  CHECK(mentions(refusal([&] { registry.find("denoise.median"); }), {"there are: test.sound"}));
  CHECK(registry.find_if_there("denoise.median") == nullptr);
}

TEST_CASE("VOXFLOW_KERNEL_PATH adds folders, separated by colons") {
  ::setenv("VOXFLOW_KERNEL_PATH", "/site/kernels::/home/kernels", 1);
  const auto folders = plugins::default_folders();
  ::unsetenv("VOXFLOW_KERNEL_PATH");
  REQUIRE(folders.size() >= 2);
  CHECK(folders[folders.size() - 2] == "/site/kernels");
  CHECK(folders.back() == "/home/kernels");
}
