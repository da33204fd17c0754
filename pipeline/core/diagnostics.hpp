// Problems found in a text file, shown together with place, source line, caret and remedy.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/core/error.hpp"

namespace voxflow {

/// Where in a file something stands; from 1.
struct Mark {
  int line = 0, column = 0, length = 1;
};

/// One thing that is wrong with a file. Lines and columns count from 1; 0 means unknown.
struct Problem {
  int line = 0, column = 0, length = 1;
  std::string message;
  std::string hint;
};

/// The file's name and content, for showing source lines.
struct SourceText {
  std::string name;
  std::string text;
};

/// Problems in order of place, each as "file:line:column: error: message" with source line, caret and hint, then the
/// number of errors and `consequence` ("nothing was submitted").
std::string render(const SourceText& source, std::span<const Problem> problems, std::string_view consequence);

/// A file with at least one problem; what() is the rendered text.
class FileError : public UserError {
 public:
  FileError(const SourceText& source, std::vector<Problem> problems, std::string_view consequence);
  const std::vector<Problem>& problems() const { return problems_; }

 private:
  std::vector<Problem> problems_;
};

}  // namespace voxflow
