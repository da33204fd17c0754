// The contact sheet of a run: an image a row, a step a column.
#pragma once
#include <functional>

#include "pipeline/cli/session.hpp"
#include "pipeline/engine/status.hpp"
#include "pipeline/preview/sheet.hpp"
#include "pipeline/preview/views.hpp"

namespace voxflow::cli {

struct SheetRequest {
  preview::Projection projection = preview::Projection::max;
  std::optional<Index> z;
  int timepoint = 0;
};

inline constexpr std::size_t kRowsPerPage = 20;

/// Makes the pages one by one and hands each to `take`. A result that cannot be read is marked, and a warning tells
/// why. Throws UserError when the run has no task.
void draw_run(Session& session, const engine::RunStatus& status, const SheetRequest& request,
              const std::function<void(const preview::Sheet& page)>& take);

}  // namespace voxflow::cli
