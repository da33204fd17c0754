#include "pipeline/interop/image_list.hpp"

#include "pipeline/interop/image_file.hpp"

namespace voxflow::interop {

std::vector<ImageChoice> numbered_choices(std::size_t n) {
  std::vector<ImageChoice> choices(n);
  for (std::size_t i = 0; i < n; ++i) choices[i].series = static_cast<int>(i);
  return choices;
}

std::vector<ImageChoice> images_in(const std::filesystem::path& file, const OpenOptions& options) {
  try {
    open_image(file, options);
    return {{options.series, options.dataset}};
  } catch (const SeveralImages& several) {
    return several.choices();
  }
}

}  // namespace voxflow::interop
