// Reads a PNG back, by libpng's simplified interface, which the project itself does not use.
#pragma once
#include <doctest/doctest.h>
#include <png.h>

#include <string>

#include "pipeline/preview/raster.hpp"

namespace voxflow::test {

inline preview::Raster read_png(const std::string& bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0);
  CHECK(image.format == PNG_FORMAT_RGB);
  image.format = PNG_FORMAT_RGB;
  preview::Raster picture(image.height, image.width);
  REQUIRE(png_image_finish_read(&image, nullptr, &picture.at(0, 0), 0, nullptr) != 0);
  return picture;
}

}  // namespace voxflow::test
