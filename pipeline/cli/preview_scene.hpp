// Which volumes of the archive one picture shows, found through the catalog.
#pragma once
#include <string>
#include <vector>

#include "pipeline/cli/session.hpp"
#include "pipeline/preview/render.hpp"

namespace voxflow::cli {

struct SceneRequest {
  /// Images to draw over, names or ids; none: what lineage finds. "none" alone: nothing.
  std::vector<std::string> over;
  std::vector<std::string> channels;  // names, or numbers from 0; none: all that fit
  int timepoint = 0;
};

struct FoundScene {
  preview::Scene scene;
  std::vector<std::string> notes;  // what is shown, for people
};

/// Opens the images; their files stay open as long as the scene lives. Throws UserError where the entity has no
/// picture, or a channel, timepoint or image to draw over does not fit.
FoundScene find_scene(Session& session, const catalog::Entity& entity, const SceneRequest& request);

}  // namespace voxflow::cli
