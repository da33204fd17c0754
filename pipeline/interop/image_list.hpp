// Which images a file holds.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/core/error.hpp"

namespace voxflow::interop {

struct OpenOptions;

/// What tells one image of a file from its others; nothing and "" where it is the only one.
struct ImageChoice {
  std::optional<int> series;
  std::string dataset;
};

/// A file holds several images, of which none was chosen; the message lists them.
class SeveralImages : public UserError {
 public:
  SeveralImages(const std::string& message, std::vector<ImageChoice> choices)
      : UserError(message), choices_(std::move(choices)) {}
  const std::vector<ImageChoice>& choices() const { return choices_; }

 private:
  std::vector<ImageChoice> choices_;
};

/// For formats that number their images: choices 0 to n - 1.
std::vector<ImageChoice> numbered_choices(std::size_t n);

/// The images of a file, in its order. Opens it with `options`, so that a file of another format is converted. Throws
/// as open_image.
std::vector<ImageChoice> images_in(const std::filesystem::path& file, const OpenOptions& options);

}  // namespace voxflow::interop
