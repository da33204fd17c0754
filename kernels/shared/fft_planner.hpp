// What is shared by those who make FFTW's plans; private to them.
#pragma once
#include <fftw3.h>

#include <memory>
#include <mutex>

#include "pipeline/core/error.hpp"

namespace voxflow::shared {

/// FFTW's planner is not thread-safe. Inline, so that all plugins of a process share the one mutex. Recursive, because
/// plans that fail half-way are destroyed while others are made.
inline std::recursive_mutex& planner_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

/// Owns a plan; throws InternalError when FFTW has none. Made under the planner's mutex.
class FftwPlan {
 public:
  FftwPlan() = default;
  explicit FftwPlan(fftwf_plan plan) : plan_(plan) {
    if (plan == nullptr) throw InternalError("FFTW has no plan for this shape");
  }
  fftwf_plan get() const { return plan_.get(); }

 private:
  struct Destroy {
    void operator()(fftwf_plan plan) const {
      const std::lock_guard lock(planner_mutex());
      fftwf_destroy_plan(plan);
    }
  };
  std::unique_ptr<std::remove_pointer_t<fftwf_plan>, Destroy> plan_;
};

}  // namespace voxflow::shared
