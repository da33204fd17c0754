// The rules on what stands in XML: the SpimData file beside the image, and the OME-XML inside of it.
#include <cmath>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "pipeline/archive/checked_image.hpp"
#include "pipeline/archive/layout.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/files.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

namespace {
using pugi::xml_node;

constexpr double kSameLength = 1e-6;

bool same(double a, double b) {
  return std::abs(a - b) <= kSameLength * std::abs(b);
}

/// Numbers separated by blanks.
std::vector<double> numbers_in(const char* text) {
  std::istringstream in(text);
  std::vector<double> numbers;
  for (double v = 0; in >> v;) numbers.push_back(v);
  return numbers;
}

class SpimDataCheck {
 public:
  explicit SpimDataCheck(CheckedImage& image) : image_(image), xml_(image.file) { xml_.replace_extension(".xml"); }

  void run() {
    if (!fs::exists(xml_)) {
      refuse("xml-file", "is missing", "a SpimData XML beside the image: BigDataViewer opens no other file",
             kMakeAgain);
      return;
    }
    const std::string text = read_file(xml_);
    constexpr std::size_t kLookedAt = 100;
    if (text.find("<SpimData version=\"0.2\">") >= kLookedAt)
      refuse("xml-head",
             fmt::format("'<SpimData version=\"0.2\">' does not begin within its first {} bytes", kLookedAt),
             "Bio-Formats looks no further to tell what it is", "shorten what stands before it");
    pugi::xml_document document;
    if (const auto parsed = document.load_string(text.c_str()); !parsed) {
      refuse("xml-file", fmt::format("is no XML: {} at byte {}", parsed.description(), parsed.offset), "XML",
             kMakeAgain);
      return;
    }
    const xml_node data = document.child("SpimData"), sequence = data.child("SequenceDescription");
    check_loader(sequence.child("ImageLoader"));
    check_setups(sequence.child("ViewSetups"));
    check_timepoints(sequence.child("Timepoints"));
    check_registrations(data.child("ViewRegistrations"));
  }

 private:
  void refuse(const std::string& rule, const std::string& value, const std::string& allowed,
              const std::string& remedy) {
    image_.refuse(rule, xml_.filename().string(), value, allowed, remedy);
  }

  void check_loader(const xml_node& loader) {
    const xml_node hdf5 = loader.child("hdf5");
    const std::string named = hdf5.text().as_string(), file = image_.file.filename().string();
    if (std::string(loader.attribute("format").as_string()) != "bdv.hdf5" ||
        std::string(hdf5.attribute("type").as_string()) != "relative" || named != file)
      refuse("xml-loader", fmt::format("its image loader names '{}'", named),
             fmt::format("format \"bdv.hdf5\" and <hdf5 type=\"relative\">{}</hdf5>, a bare file name", file),
             "write the name of the file beside it");
  }

  void check_setups(const xml_node& setups) {
    int due = 0;
    for (const xml_node setup : setups.children("ViewSetup")) {
      const std::string id = setup.child("id").text().as_string();
      if (id != std::to_string(due))
        refuse("xml-setup-ids", fmt::format("setup '{}' comes where {} is due", id, due), "0, 1, 2, ... without a gap",
               "number them anew");
      for (const char* attribute : {"illumination", "channel", "tile", "angle"}) {
        const std::string value = setup.child("attributes").child(attribute).text().as_string();
        if (value.empty() || value.find_first_not_of("0123456789") != std::string::npos)
          refuse("xml-attributes", fmt::format("setup {}: its {} is '{}'", due, attribute, value),
                 "a whole number for each of illumination, channel, tile, angle",
                 "write the number of the attribute's entry");
      }
      if (static_cast<std::size_t>(due) < image_.setups.size()) check_size(setup, due);
      ++due;
    }
    if (static_cast<std::size_t>(due) != image_.setups.size())
      refuse("xml-setup-ids", fmt::format("it lists {} setups, and the image has {}", due, image_.setups.size()),
             "one for every channel", kMakeAgain);
  }

  void check_size(const xml_node& setup, int c) {
    const CheckedSetup& known = image_.setups[static_cast<std::size_t>(c)];
    const std::string size = setup.child("size").text().as_string();
    const std::vector<double> n = numbers_in(size.c_str());
    const Index3& shape = known.shape;
    if (n != std::vector<double>{static_cast<double>(shape[kX]), static_cast<double>(shape[kY]),
                                 static_cast<double>(shape[kZ])})
      refuse("xml-size", fmt::format("setup {}: its size is '{}'", c, size),
             fmt::format("{} {} {} (x y z)", shape[kX], shape[kY], shape[kZ]), kMakeAgain);
    const auto spacing = numbers_in(setup.child("voxelSize").child("size").text().as_string());
    const auto& um = known.spacing_um;
    if (spacing.size() != 3 || !same(spacing[0], um[kX]) || !same(spacing[1], um[kY]) || !same(spacing[2], um[kZ]))
      refuse(
          "xml-size",
          fmt::format("setup {}: its voxel size is '{}'", c, setup.child("voxelSize").child("size").text().as_string()),
          fmt::format("{} {} {} (x y z, micrometres), as element_size_um says", um[kX], um[kY], um[kZ]), kMakeAgain);
  }

  void check_timepoints(const xml_node& timepoints) {
    const int first = timepoints.child("first").text().as_int(-1), last = timepoints.child("last").text().as_int(-1);
    if (first != 0 || last != image_.timepoints - 1)
      refuse("xml-timepoints", fmt::format("its timepoints are {} to {}", first, last),
             fmt::format("0 to {}, as in the image", image_.timepoints - 1), kMakeAgain);
  }

  void check_registrations(const xml_node& registrations) {
    std::set<std::pair<int, int>> seen;
    for (const xml_node registration : registrations.children("ViewRegistration")) {
      const int t = registration.attribute("timepoint").as_int(-1), c = registration.attribute("setup").as_int(-1);
      seen.emplace(t, c);
      if (c < 0 || static_cast<std::size_t>(c) >= image_.setups.size()) continue;
      xml_node last;
      for (const xml_node transform : registration.children("ViewTransform")) last = transform;
      const auto m = numbers_in(last.child("affine").text().as_string());
      const auto& um = image_.setups[static_cast<std::size_t>(c)].spacing_um;
      const bool calibration = m.size() == 12 && same(m[0], um[kX]) && same(m[5], um[kY]) && same(m[10], um[kZ]);
      if (!calibration)
        refuse("xml-calibration", fmt::format("timepoint {}, setup {}: its last transform is no calibration", t, c),
               "registrations first, then the calibration: they multiply in the order of the list", "put it last");
    }
    const std::size_t views = static_cast<std::size_t>(image_.timepoints) * image_.setups.size();
    if (seen.size() != views)
      refuse("xml-registrations", fmt::format("it registers {} views, and the image has {}", seen.size(), views),
             "one for every timepoint and setup", kMakeAgain);
  }

  CheckedImage& image_;
  fs::path xml_;
};

void check_ome(CheckedImage& image) {
  if (H5Lexists(image.h5.get(), "/metadata", H5P_DEFAULT) <= 0 ||
      H5Lexists(image.h5.get(), layout::kOmeXml, H5P_DEFAULT) <= 0) {
    image.note("ome-xml", "it holds no OME-XML, as images of voxflow's first versions do", "files with and without it",
               "nothing is to be done: no reader needs it to open the image");
    return;
  }
  const auto refuse = [&](const std::string& value, const std::string& allowed) {
    image.refuse("ome-xml", layout::kOmeXml, value, allowed, kMakeAgain);
  };
  pugi::xml_document document;
  const std::string text = hdf5::read_text(image.h5, layout::kOmeXml);
  if (!document.load_string(text.c_str())) return refuse("is no XML", "OME-XML of June 2016");
  const xml_node pixels = document.child("OME").child("Image").child("Pixels");
  if (!pixels.child("MetadataOnly")) refuse("does not say that it is metadata only", "<MetadataOnly/>");
  if (image.setups.empty()) return;
  const CheckedSetup& setup = image.setups.front();
  const auto check = [&](const char* name, const std::string& wanted) {
    const std::string found = pixels.attribute(name).as_string();
    if (found != wanted)
      refuse(fmt::format("its {} is '{}'", name, found), fmt::format("'{}', as the image is", wanted));
  };
  check("SizeX", std::to_string(setup.shape[kX]));
  check("SizeY", std::to_string(setup.shape[kY]));
  check("SizeZ", std::to_string(setup.shape[kZ]));
  check("SizeC", std::to_string(image.setups.size()));
  check("SizeT", std::to_string(image.timepoints));
  check("Type", setup.type == "float32" ? "float" : setup.type);
}
}  // namespace

void check_xml(CheckedImage& image) {
  SpimDataCheck(image).run();
  check_ome(image);
}

}  // namespace voxflow::archive
