// A child process that is killed at a system call of choice.
#pragma once
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace voxflow::test {

/// Whether this machine lets a process trace its child.
inline bool tracing_allowed() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  const bool allowed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!allowed) MESSAGE("skipped: this machine does not let a process trace its child");
  return allowed;
}

/// Runs `work` in a child that is killed at stop number `last` of its main thread, two a system call. False when it
/// ended before.
template <class Work>
bool killed_at(long last, Work&& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSTOPPED(status));
  for (long stop = 0; stop < last; ++stop) {
    if (::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) != 0) break;
    ::waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) return false;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return true;
}

}  // namespace voxflow::test
