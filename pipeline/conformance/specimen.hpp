// Synthetic inputs for every kind of port: deterministic, uneven, with structures that cross blocks.
#pragma once
#include <map>
#include <memory>
#include <optional>

#include "pipeline/run/image_io.hpp"
#include "pipeline/run/small_values.hpp"
#include "pipeline/sdk/schema.hpp"

namespace voxflow::conformance {

/// What the inputs of one trial look like.
struct Specimen {
  Grid grid;
  int timepoints = 1, channels = 1;  // of images; labels and masks have one channel
  DType dtype = DType::float32;      // of images
  std::optional<Index3> nan_voxel;   // in every volume of every image
};

/// Sources for the volumetric inputs, by port.
std::map<std::string, std::shared_ptr<const run::ImageSource>> make_images(const SchemaInfo& schema,
                                                                           const Specimen& specimen);

/// Values for the small inputs.
run::SmallInputs make_small_inputs(const SchemaInfo& schema);

}  // namespace voxflow::conformance
