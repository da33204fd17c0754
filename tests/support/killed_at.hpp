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

/// A child that runs `work` and stops before and after each system call of its main thread.
class TracedChild {
 public:
  template <class Work>
  explicit TracedChild(Work&& work) : child_(::fork()) {
    if (child_ == 0) {
      ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      ::raise(SIGSTOP);
      work();
      ::_exit(0);
    }
    ::waitpid(child_, &status_, 0);
    REQUIRE(WIFSTOPPED(status_));
  }
  ~TracedChild() {
    if (!WIFSTOPPED(status_)) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, &status_, 0);
  }
  TracedChild(const TracedChild&) = delete;
  TracedChild& operator=(const TracedChild&) = delete;

  /// To the next stop; false when it ended before.
  bool go_on() {
    if (::ptrace(PTRACE_SYSCALL, child_, nullptr, nullptr) == 0) ::waitpid(child_, &status_, 0);
    return WIFSTOPPED(status_);
  }

 private:
  pid_t child_;
  int status_ = 0;
};

/// Runs `work` in a child that is killed at stop number `last` of its main thread, two a system call. False when it
/// ended before.
template <class Work>
bool killed_at(long last, Work&& work) {
  TracedChild child(work);
  for (long stop = 0; stop < last; ++stop)
    if (!child.go_on()) return false;
  return true;
}

/// How many stops `work` has from beginning to end.
template <class Work>
long stops_of(Work&& work) {
  TracedChild child(work);
  long stops = 0;
  while (child.go_on()) ++stops;
  return stops;
}

}  // namespace voxflow::test
