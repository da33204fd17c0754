#include "pipeline/executor/slurm_library.hpp"

#include <dlfcn.h>

#include <cstdlib>

#include <fmt/format.h>

#include "pipeline/core/error.hpp"
#include "pipeline/executor/slurm.hpp"

namespace voxflow::executor {

namespace fs = std::filesystem;

namespace {
constexpr const char* kFileName = "libvoxflow_executor_slurm.so";

template <class F>
F entry(void* library, const char* name, const fs::path& file) {
  void* found = dlsym(library, name);
  if (found == nullptr)
    throw UserError(
        fmt::format("'{}' has no symbol '{}', so it is not the SLURM library of a voxflow", file.string(), name));
  return reinterpret_cast<F>(found);
}

bool fits(const ExecutorStamp& a, const ExecutorStamp& b) {
  return a.interface == b.interface && a.compiler_major == b.compiler_major && a.cxx11_abi == b.cxx11_abi &&
         a.sanitized == b.sanitized;
}

std::string text(const ExecutorStamp& s) {
  return fmt::format("interface {}, g++ {}, C++11 ABI {}, sanitizers {}", s.interface, s.compiler_major, s.cxx11_abi,
                     s.sanitized);
}
}  // namespace

std::unique_ptr<SlurmClient> load_slurm_client(const fs::path& file) {
  if (!fs::exists(file))
    throw UserError(fmt::format(
        "this voxflow has no SLURM executor: '{}' is not there; build voxflow where SLURM's development files "
        "(libslurm-dev) are installed, or run with --executor local",
        file.string()));
  // Never closed. Global, because SLURM's own plugins take its symbols from the process.
  void* library = dlopen(fs::absolute(file).c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr)
    throw SystemError(fmt::format("the SLURM executor '{}' cannot be loaded: {}; build it against this site's libslurm",
                                  file.string(), dlerror()));
  const auto stamp = entry<ExecutorStampEntry>(library, "voxflow_executor_stamp", file)();
  if (!fits(stamp, executor_build_stamp()))
    throw UserError(
        fmt::format("the SLURM executor '{}' is of another build ({}) than this program ({}); build it again",
                    file.string(), text(stamp), text(executor_build_stamp())));
  std::string problem;
  std::unique_ptr<SlurmClient> client(entry<SlurmClientEntry>(library, "voxflow_slurm_client", file)(&problem));
  if (client == nullptr)
    throw UserError(
        fmt::format("SLURM cannot be used from here: {}; set SLURM_CONF to the cluster's slurm.conf, or run "
                    "with --executor local",
                    problem));
  return client;
}

fs::path default_slurm_library() {
  if (const char* named = std::getenv("VOXFLOW_SLURM_LIBRARY"); named != nullptr && *named != '\0') return named;
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
  return (program / "../lib/voxflow" / kFileName).lexically_normal();
}

}  // namespace voxflow::executor
