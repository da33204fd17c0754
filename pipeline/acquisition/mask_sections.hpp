// Reads the sections of a mask. Private to this room.
#pragma once
#include <string>

#include "pipeline/acquisition/mask.hpp"
#include "pipeline/yaml/reader.hpp"

namespace voxflow::acquisition {

/// `annotations`: a map from key to a constant, or to { from, type, unit, values }.
void read_annotations(yaml::Reader& reader, const yaml::YamlNode& map, Mask& mask);
/// `image`: how many channels, timepoints and planes there have to be.
void read_image(yaml::Reader& reader, const yaml::YamlNode& map, Mask& mask);
/// `channels`: a list of names, or of { name, emission, excitation }.
void read_channels(yaml::Reader& reader, const yaml::YamlNode& list, Mask& mask);
/// `calibration`: z, y, x, time_step.
void read_calibration(yaml::Reader& reader, const yaml::YamlNode& map, Mask& mask);
/// `camera`: maximum, and what becomes annotations: gain, offset, read_noise.
void read_camera(yaml::Reader& reader, const yaml::YamlNode& map, Mask& mask);
/// `quality`: a map from rule to { warn, reject }, off, or a verdict.
void read_quality(yaml::Reader& reader, const yaml::YamlNode& map, Mask& mask);

}  // namespace voxflow::acquisition
