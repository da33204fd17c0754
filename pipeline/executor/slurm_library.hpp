// The C entries of libvoxflow_executor_slurm, and the stamp by which a library that does not fit is told.
#pragma once
#include <string>

#include "pipeline/executor/slurm_client.hpp"

namespace voxflow::executor {

/// Two builds work together when all of it is equal.
struct ExecutorStamp {
  int interface;  // number of the meaning of slurm_client.hpp
  int compiler_major;
  int cxx11_abi;
  int sanitized;
};

constexpr ExecutorStamp executor_build_stamp() {
#if defined(__SANITIZE_ADDRESS__)
  constexpr int sanitized = 1;
#else
  constexpr int sanitized = 0;
#endif
  return {1, __GNUC__, _GLIBCXX_USE_CXX11_ABI, sanitized};
}

/// `voxflow_executor_stamp`.
using ExecutorStampEntry = ExecutorStamp (*)();
/// `voxflow_slurm_client`: nullptr, and why in `problem`, when SLURM is not configured here.
using SlurmClientEntry = SlurmClient* (*)(std::string* problem);

}  // namespace voxflow::executor
