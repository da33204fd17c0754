// Problems of a file, as people see them.
#include "pipeline/core/diagnostics.hpp"

#include <doctest/doctest.h>

using namespace voxflow;

namespace {
const SourceText kSource{"workflows/nuclei.yaml",
                         "steps:\n  denoise:\n    params:\n      radius: 40 um\n      sigmaa: 3\n"};
}

TEST_CASE("problems are shown with place, source line, caret and remedy, in the order of the file") {
  const std::vector<Problem> problems{
      {5, 7, 6, "kernel 'denoise.median' has no parameter 'sigmaa'; did you mean 'sigma'?", ""},
      {4, 15, 5, "step 'denoise': radius is 40 um, allowed 0.05 um to 5 um", "3 voxels here are 0.31 um"}};
  CHECK(render(kSource, problems, "nothing was submitted") ==
        "workflows/nuclei.yaml:4:15: error: step 'denoise': radius is 40 um, allowed 0.05 um to 5 um\n"
        "    4 |       radius: 40 um\n"
        "      |               ^~~~~\n"
        "  hint: 3 voxels here are 0.31 um\n"
        "workflows/nuclei.yaml:5:7: error: kernel 'denoise.median' has no parameter 'sigmaa'; did you mean 'sigma'?\n"
        "    5 |       sigmaa: 3\n"
        "      |       ^~~~~~\n"
        "2 errors; nothing was submitted");
}

TEST_CASE("a problem of unknown place names the file alone, and comes first") {
  const std::vector<Problem> problems{{2, 3, 1, "here", ""}, {0, 0, 1, "somewhere", ""}};
  CHECK(render(kSource, problems, "nothing was changed") ==
        "workflows/nuclei.yaml: error: somewhere\n"
        "workflows/nuclei.yaml:2:3: error: here\n"
        "    2 |   denoise:\n"
        "      |   ^\n"
        "2 errors; nothing was changed");
}

TEST_CASE("a line without a column, and one behind the end, are shown without a caret") {
  const std::vector<Problem> problems{{2, 0, 1, "the whole line", ""}, {99, 4, 1, "behind the end", ""}};
  CHECK(render(kSource, problems, "nothing was read") ==
        "workflows/nuclei.yaml:2: error: the whole line\n"
        "workflows/nuclei.yaml:99:4: error: behind the end\n"
        "2 errors; nothing was read");
}

TEST_CASE("the caret stays under its word behind tabs, at the end of a line, and with Windows line ends") {
  const SourceText source{"a.tsv", "\tname\tvalue\r\nshort\n"};
  CHECK(render(source, std::vector<Problem>{{1, 7, 5, "x", ""}}, "y") ==
        "a.tsv:1:7: error: x\n    1 | \tname\tvalue\n      | \t    \t^~~~~\n1 error; y");
  CHECK(render(source, std::vector<Problem>{{2, 6, 10, "x", ""}}, "y") ==
        "a.tsv:2:6: error: x\n    2 | short\n      |      ^\n1 error; y");
  CHECK(render(source, std::vector<Problem>{{2, 3, 10, "x", ""}}, "y") ==
        "a.tsv:2:3: error: x\n    2 | short\n      |   ^~~\n1 error; y");
}

TEST_CASE("a FileError is the user's to put right, and keeps its problems") {
  const FileError e(kSource, {{1, 1, 5, "wrong", ""}}, "nothing was submitted");
  CHECK(e.code() == ExitCode::user);
  CHECK(e.problems().size() == 1);
  CHECK(std::string(e.what()).starts_with("workflows/nuclei.yaml:1:1: error: wrong\n"));
}
