#include "pipeline/record/transforms.hpp"

#include "pipeline/record/json.hpp"

namespace voxflow::record {

TransformSet transform_set_from(std::string_view text) {
  const Json j = parse_json(text, "set of transforms");
  return reading("set of transforms", [&] {
    check_format(j, "voxflow-transform", 1, "set of transforms");
    TransformSet set;
    for (const Json& e : j.at("transforms")) {
      TransformSet::Entry entry{e.at("t").get<int>(), e.at("c").get<int>(), {}};
      for (std::size_t row = 0; row < 3; ++row) {
        for (std::size_t col = 0; col < 3; ++col)
          entry.transform.matrix[row][col] = e.at("matrix").at(row).at(col).get<double>();
        entry.transform.translation_um[row] = e.at("matrix").at(row).at(3).get<double>();
      }
      set.entries.push_back(entry);
    }
    return set;
  });
}

}  // namespace voxflow::record
