#include "pipeline/executor/executor.hpp"

namespace voxflow::executor {

Submitted Executor::submit_all(std::span<const Submission> submissions) {
  Submitted result;
  try {
    for (const Submission& s : submissions) result.jobs.push_back(submit(s.file, *s.batch));
  } catch (const Error&) {
    result.problem = std::current_exception();
  }
  return result;
}

}  // namespace voxflow::executor
