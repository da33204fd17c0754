#include "pipeline/supervise/team_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "pipeline/core/error.hpp"

namespace voxflow::supervise {

namespace {
// Both ends closed on exec; the child gets its own copies.
std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("cannot make a pipe to a team", errno);
  return ends;
}

// In the child between fork and exec: only calls that are safe there.
[[noreturn]] void become(const std::vector<char*>& arguments, const std::vector<char*>& environment, int input,
                         int output, int log, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvpe(arguments[0], arguments.data(), environment.data());
  constexpr char kMessage[] = "cannot start the program of the team\n";
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (std::string& w : words) list.push_back(w.data());
  list.push_back(nullptr);
  return list;
}
}  // namespace

TeamProcess::TeamProcess(const Command& command, const std::filesystem::path& log) {
  const int log_file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log_file < 0) throw_errno("cannot write the team's log '" + log.string() + "'", errno);
  const auto to_child = make_pipe(), from_child = make_pipe();
  std::vector<std::string> words = command.words, variables;
  for (char** v = environ; *v != nullptr; ++v) variables.emplace_back(*v);
  variables.insert(variables.end(), command.environment.begin(), command.environment.end());
  const auto arguments = pointers(words), environment = pointers(variables);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(arguments, environment, to_child[0], from_child[1], log_file, parent);
  const int fork_error = errno;
  ::close(to_child[0]);
  ::close(from_child[1]);
  ::close(log_file);
  input_ = to_child[1], output_ = from_child[0];
  if (pid_ < 0) {
    ::close(input_);
    ::close(output_);
    throw_errno("cannot start a team", fork_error);
  }
  ::setpgid(pid_, pid_);  // here too, so that it has happened before the first signal
  ::fcntl(output_, F_SETFL, O_NONBLOCK);
}

TeamProcess::~TeamProcess() {
  close_input();
  if (!status_) {
    kill();
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(output_);
}

bool TeamProcess::send(const std::string& line) {
  const std::string text = line + "\n";
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(input_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

void TeamProcess::close_input() {
  if (input_ >= 0) ::close(input_);
  input_ = -1;
}

std::vector<std::string> TeamProcess::read_lines() {
  std::array<char, 65536> buffer;
  for (ssize_t n = 0; (n = ::read(output_, buffer.data(), buffer.size())) > 0;)
    partial_.append(buffer.data(), static_cast<std::size_t>(n));
  std::vector<std::string> lines;
  for (std::size_t end = 0; (end = partial_.find('\n')) != std::string::npos;) {
    lines.push_back(partial_.substr(0, end));
    partial_.erase(0, end + 1);
  }
  return lines;
}

std::optional<int> TeamProcess::ended() {
  int status = 0;
  if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ = status;
    ::kill(-pid_, SIGKILL);  // whatever it left behind in its group
  }
  return status_;
}

void TeamProcess::terminate() {
  if (!status_) ::kill(pid_, SIGTERM);
}

void TeamProcess::kill() {
  if (!status_) ::kill(-pid_, SIGKILL);
}

}  // namespace voxflow::supervise
