// Catches what code of this process writes to stderr, such as warnings.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "pipeline/core/files.hpp"
#include "tests/support/temporary.hpp"

namespace voxflow::test {

/// What `f` writes to stderr.
template <class F>
std::string stderr_of(const TestFolder& folder, F&& f) {
  const auto file = folder / "stderr";
  const int old = ::dup(2), to = ::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  ::dup2(to, 2);
  f();
  ::dup2(old, 2);
  ::close(to);
  ::close(old);
  return read_file(file);
}

}  // namespace voxflow::test
