// Exceptions by who must act. A message says where, what it got, what is allowed, and what to do.
#pragma once
#include <exception>
#include <string>
#include <utility>

namespace voxflow {

/// Process exit codes; one for each kind of person who has to act.
enum class ExitCode : int { ok = 0, failed_tasks = 1, user = 2, system = 3, internal = 70 };

/// Base of all errors of voxflow. Context ("step 'cells'", "image 7") is added in front on the way up.
class Error : public std::exception {
 public:
  Error(ExitCode code, std::string message) : code_(code), text_(std::move(message)) {}
  const char* what() const noexcept override { return text_.c_str(); }
  ExitCode code() const noexcept { return code_; }
  /// Puts `where` in front of the message: "where: message".
  void add_context(const std::string& where) { text_ = where + ": " + text_; }

 private:
  ExitCode code_;
  std::string text_;
};

/// The person at the keyboard can put it right: a wrong file, name, value or request. Exit 2.
class UserError : public Error {
 public:
  explicit UserError(std::string message) : Error(ExitCode::user, std::move(message)) {}
};

/// The machine said no: I/O, scheduler, memory. Exit 3; may be retried.
class SystemError : public Error {
 public:
  explicit SystemError(std::string message) : Error(ExitCode::system, std::move(message)) {}
};

/// A disk or quota is full: SystemError that pauses a run instead of failing its tasks one by one.
class DiskFullError : public SystemError {
 public:
  using SystemError::SystemError;
};

/// Memory that was asked for is not there, or not enough for one block.
class OutOfMemoryError : public SystemError {
 public:
  using SystemError::SystemError;
};

/// Throws what `errno_value` stands for, DiskFullError, OutOfMemoryError or SystemError, with its text behind `what`:
/// "cannot write 'x': No space left on device".
[[noreturn]] void throw_errno(const std::string& what, int errno_value);

/// A bug in voxflow or in a kernel. Exit 70.
class InternalError : public Error {
 public:
  explicit InternalError(std::string message) : Error(ExitCode::internal, std::move(message)) {}
};

/// Runs `f`; an Error that leaves it gets `where` put in front.
template <class F>
decltype(auto) with_context(const std::string& where, F&& f) {
  try {
    return f();
  } catch (Error& e) {
    e.add_context(where);
    throw;
  }
}

}  // namespace voxflow
