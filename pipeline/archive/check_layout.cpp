// The rules on what stands in the HDF5 file: its form, groups, types, chunks and filters.
#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "pipeline/archive/checked_image.hpp"
#include "pipeline/archive/chunks.hpp"
#include "pipeline/archive/layout.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"

namespace voxflow::archive {

namespace {
using hdf5::Handle;

std::vector<std::string> members(const Handle& file, const std::string& path) {
  const Handle group = hdf5::open_group(file, path);
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* to) -> herr_t {
    static_cast<std::vector<std::string>*>(to)->emplace_back(name);
    return 0;
  };
  hdf5::check(H5Literate(group.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names), "list '" + path + "'");
  return names;
}

std::string below(const std::string& path, const std::string& name) {
  return fmt::format("{}/{}", path, name);
}

bool is_group(const Handle& file, const std::string& path) {
  H5O_info_t info;
  return H5Oget_info_by_name(file.get(), path.c_str(), &info, H5P_DEFAULT) >= 0 && info.type == H5O_TYPE_GROUP;
}

bool is_dataset(const Handle& file, const std::string& path) {
  H5O_info_t info;
  return H5Lexists(file.get(), path.c_str(), H5P_DEFAULT) > 0 &&
         H5Oget_info_by_name(file.get(), path.c_str(), &info, H5P_DEFAULT) >= 0 && info.type == H5O_TYPE_DATASET;
}

/// The number of "t00012" or "s03", or of "2": `digits` digits after `prefix`; 0 digits: as many as it takes.
std::optional<int> number_of(const std::string& name, std::string_view prefix, std::size_t digits) {
  if (!name.starts_with(prefix)) return std::nullopt;
  const std::string_view rest = std::string_view(name).substr(prefix.size());
  if (rest.empty() || (digits > 0 && rest.size() != digits)) return std::nullopt;
  int n = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), n);
  if (error != std::errc() || end != rest.data() + rest.size() || n < 0) return std::nullopt;
  return n;
}

/// Type, dimensions, chunks and filters of a dataset.
struct Dataset {
  std::string type;
  std::vector<hsize_t> shape, chunk;
  std::vector<std::pair<H5Z_filter_t, std::string>> filters;
};

std::string type_name(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) return "neither integer nor float";
  const bool is_signed = kind == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
  std::string name = fmt::format("{}{}",
                                 kind == H5T_FLOAT ? "float"
                                 : is_signed       ? "int"
                                                   : "uint",
                                 8 * H5Tget_size(type));
  if (H5Tget_order(type) == H5T_ORDER_BE && H5Tget_size(type) > 1) name += " big-endian";
  return name;
}

Dataset read_dataset(const Handle& file, const std::string& path) {
  const std::string what = "look at '" + path + "'";
  const Handle set(H5Dopen2(file.get(), path.c_str(), H5P_DEFAULT), H5Dclose, what);
  const Handle type(H5Dget_type(set.get()), H5Tclose, what), space(H5Dget_space(set.get()), H5Sclose, what),
      made(H5Dget_create_plist(set.get()), H5Pclose, what);
  Dataset d;
  d.type = type_name(type.get());
  d.shape.resize(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  if (!d.shape.empty()) H5Sget_simple_extent_dims(space.get(), d.shape.data(), nullptr);
  if (H5Pget_layout(made.get()) == H5D_CHUNKED) {
    d.chunk.resize(d.shape.size());
    H5Pget_chunk(made.get(), static_cast<int>(d.chunk.size()), d.chunk.data());
  }
  for (int i = 0; i < H5Pget_nfilters(made.get()); ++i) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    std::array<char, 128> name{};
    const H5Z_filter_t id = H5Pget_filter2(made.get(), static_cast<unsigned>(i), &flags, &values, nullptr,
                                           name.size() - 1, name.data(), &config);
    d.filters.emplace_back(id, name.data());
  }
  return d;
}

/// A matrix of three columns as doubles; nothing when it is none.
std::optional<std::vector<std::array<double, 3>>> read_rows(const Handle& file, const std::string& path) {
  const Dataset d = read_dataset(file, path);
  if (d.shape.size() != 2 || d.shape[1] != 3) return std::nullopt;
  std::vector<std::array<double, 3>> rows(d.shape[0]);
  const Handle set(H5Dopen2(file.get(), path.c_str(), H5P_DEFAULT), H5Dclose, "open '" + path + "'");
  hdf5::check(H5Dread(set.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()), "read '" + path + "'");
  return rows;
}

Index3 index3(const std::vector<hsize_t>& v) {
  return {static_cast<Index>(v[0]), static_cast<Index>(v[1]), static_cast<Index>(v[2])};
}

std::string text_of(const Index3& v) {
  return fmt::format("{} x {} x {} (z, y, x)", v[kZ], v[kY], v[kX]);
}

constexpr std::array<double, 3> kFull{1, 1, 1};

class LayoutCheck {
 public:
  explicit LayoutCheck(CheckedImage& image) : image_(image), h5_(image.h5) {}

  void run() {
    check_form();
    check_root();
    for (std::size_t c = 0; c < image_.setups.size(); ++c) check_setup(static_cast<int>(c));
    for (int t = 0; t < image_.timepoints; ++t) check_timepoint(t);
    const bool floats = std::any_of(image_.setups.begin(), image_.setups.end(),
                                    [](const CheckedSetup& s) { return s.type == "float32"; });
    if (floats)
      image_.note("float32", "its voxels are float32, which Bio-Formats reads as whole numbers",
                  "every type that BigDataViewer, ilastik and Python read",
                  "for Bio-Formats: voxflow export --as uint16, or --as ome-tiff");
  }

 private:
  void check_form() {
    H5F_info2_t info;
    hdf5::check(H5Fget_info2(h5_.get(), &info), "look at the file's form");
    if (info.super.version > 2)
      image_.refuse("file-form", "", fmt::format("its superblock has version {}", info.super.version),
                    "0 to 2 (HDF5 1.8): older readers know no other", "h5repack -j 0 -k 1 data.h5 copy.h5");
    for (const char* name : {"format", "format_version", "writer", "content_digest"})
      if (H5Aexists(h5_.get(), name) <= 0)
        image_.refuse("root-attributes", "/", fmt::format("has no attribute '{}'", name),
                      "format, format_version, writer, content_digest", kMakeAgain);
    for (const char* path : {layout::kImage, layout::kChunkDigests})
      if (!is_dataset(h5_, path))
        image_.refuse("records", path, "is missing", "a record of the image and a digest for every chunk", kMakeAgain);
  }

  /// Numbers of a run of groups, which have to count from 0 without a gap.
  int check_run(const std::string& rule, const std::string& what, const std::vector<int>& numbers,
                const std::string& readers) {
    for (std::size_t i = 0; i < numbers.size(); ++i)
      if (numbers[i] != static_cast<int>(i)) {
        image_.refuse(
            rule, "/",
            fmt::format("its {} are not numbered without a gap: {} comes where {} is due", what, numbers[i], i),
            fmt::format("0, 1, 2, ...: {}", readers), kMakeAgain);
        return 0;
      }
    if (numbers.empty()) image_.refuse(rule, "/", fmt::format("has no {}", what), "at least one", kMakeAgain);
    return static_cast<int>(numbers.size());
  }

  void check_root() {
    std::vector<int> setups, timepoints;
    for (const std::string& name : members(h5_, "/")) {
      const auto s = number_of(name, "s", 2), t = number_of(name, "t", 5);
      if (s) setups.push_back(*s);
      if (t) timepoints.push_back(*t);
      if (!s && !t && name != "metadata" && name != "tables")
        image_.refuse("root-members", "/" + name, "is no part of the format", "s00.., t00000.., metadata, tables",
                      "keep it in a file of its own");
    }
    image_.setups.resize(
        static_cast<std::size_t>(check_run("setup-ids", "setups", setups, "BigDataViewer counts them in its XML")));
    image_.timepoints = check_run("timepoint-ids", "timepoints", timepoints, "Bio-Formats counts them");
  }

  void check_setup(int c) {
    CheckedSetup& setup = image_.setups[static_cast<std::size_t>(c)];
    const std::string path = layout::setup(c);
    const std::string resolutions = path + "/resolutions", subdivisions = path + "/subdivisions";
    check_matrix(resolutions, "resolutions", "float64");
    check_matrix(subdivisions, "subdivisions", "int32");
    if (is_dataset(h5_, resolutions)) setup.factors = read_rows(h5_, resolutions).value_or(setup.factors);
    if (is_dataset(h5_, subdivisions))
      for (const auto& row : read_rows(h5_, subdivisions).value_or(setup.factors))
        setup.chunks.push_back({static_cast<Index>(row[2]), static_cast<Index>(row[1]), static_cast<Index>(row[0])});
    const bool factors_whole = std::all_of(setup.factors.begin(), setup.factors.end(), [](const auto& row) {
      return std::all_of(row.begin(), row.end(), [](double f) { return f >= 1 && f == std::floor(f); });
    });
    if (setup.factors.empty() || !factors_whole || setup.factors.front() != kFull) {
      image_.refuse("resolutions", resolutions, "does not hold factors that begin with 1 1 1",
                    "a row of whole factors x, y, z for each level, 1 1 1 for the image itself", kMakeAgain);
      // The rest is held against the image itself all the same.
      if (!setup.factors.empty()) setup.factors.front() = kFull;
    }
    if (setup.chunks.size() != setup.factors.size())
      image_.refuse("subdivisions", subdivisions,
                    fmt::format("has {} rows, and resolutions {}", setup.chunks.size(), setup.factors.size()),
                    "one row for each level", kMakeAgain);
  }

  void check_matrix(const std::string& path, const std::string& rule, const std::string& type) {
    if (!is_dataset(h5_, path)) {
      image_.refuse(rule, path, "is missing", type + " with three columns x, y, z", kMakeAgain);
      return;
    }
    const Dataset d = read_dataset(h5_, path);
    if (d.type != type || d.shape.size() != 2 || d.shape[1] != 3)
      image_.refuse(rule, path, fmt::format("is {} of {} axes", d.type, d.shape.size()),
                    type + " with three columns x, y, z", kMakeAgain);
  }

  void check_timepoint(int t) {
    const std::string path = fmt::format("/t{:05}", t);
    std::vector<bool> found(image_.setups.size());
    for (const std::string& name : members(h5_, path)) {
      const auto c = number_of(name, "s", 2);
      if (!c || static_cast<std::size_t>(*c) >= found.size() || !is_group(h5_, below(path, name))) {
        foreign(below(path, name));
        continue;
      }
      found[static_cast<std::size_t>(*c)] = true;
      check_volume(t, *c);
    }
    for (std::size_t c = 0; c < found.size(); ++c)
      if (!found[c])
        image_.refuse("volumes", fmt::format("{}/s{:02}", path, c), "is missing", "one for every channel", kMakeAgain);
  }

  void foreign(const std::string& path) {
    image_.refuse(
        "foreign-members", path, "stands among the levels",
        "s00.. under a timepoint, 0.. under those, cells under these: Bio-Formats takes every name for a number",
        "h5copy it to a file of its own, and delete it here");
  }

  void check_volume(int t, int c) {
    const CheckedSetup& setup = image_.setups[static_cast<std::size_t>(c)];
    const std::string path = fmt::format("/t{:05}/s{:02}", t, c);
    std::vector<bool> found(setup.factors.size());
    for (const std::string& name : members(h5_, path)) {
      const auto level = number_of(name, "", 0);
      if (!level || !is_group(h5_, below(path, name))) {
        foreign(below(path, name));
      } else if (static_cast<std::size_t>(*level) >= found.size()) {
        image_.refuse("levels", below(path, name), "has no row in resolutions",
                      "as many levels as resolutions has rows", kMakeAgain);
      } else {
        found[static_cast<std::size_t>(*level)] = true;
        check_level(below(path, name), t, c, static_cast<std::size_t>(*level));
      }
    }
    for (std::size_t level = 0; level < found.size(); ++level)
      if (!found[level])
        image_.refuse("levels", fmt::format("{}/{}", path, level), "is missing",
                      "as many levels as resolutions has rows", kMakeAgain);
  }

  void check_level(const std::string& path, int t, int c, std::size_t level) {
    for (const std::string& name : members(h5_, path))
      if (name != "cells") foreign(below(path, name));
    const std::string cells = path + "/cells";
    if (!is_dataset(h5_, cells)) {
      image_.refuse("cells", cells, "is missing", "a dataset of axes z, y, x", kMakeAgain);
      return;
    }
    const Dataset d = read_dataset(h5_, cells);
    if (d.shape.size() != 3 || d.chunk.size() != 3) {
      image_.refuse("cells", cells,
                    fmt::format("has {} axes and is {}chunked", d.shape.size(), d.chunk.empty() ? "not " : ""),
                    "a chunked dataset of axes z, y, x", kMakeAgain);
      return;
    }
    CheckedSetup& setup = image_.setups[static_cast<std::size_t>(c)];
    if (t == 0 && level == 0) {
      setup.type = d.type;
      setup.shape = index3(d.shape);
      check_data_type(c);
    }
    check_type(cells, d, setup);
    check_filters(cells, d);
    check_shape(cells, d, setup, level);
    check_attributes(cells, setup, level);
    check_chunk(cells, d, setup, level);
  }

  void check_data_type(int c) {
    const CheckedSetup& setup = image_.setups[static_cast<std::size_t>(c)];
    const auto told = hdf5::read_text_attribute(hdf5::open_group(h5_, layout::setup(c)), "dataType");
    if (told == setup.type) return;
    image_.refuse("data-type", layout::setup(c),
                  told ? fmt::format("its dataType is '{}', and the voxels are {}", *told, setup.type)
                       : "has no attribute dataType of fixed-length text",
                  "the type of its voxels: without it BigDataViewer takes them for the int16 of old",
                  fmt::format("add the attribute: dataType = \"{}\"", setup.type));
  }

  void check_type(const std::string& cells, const Dataset& d, const CheckedSetup& setup) {
    const bool known = d.type == "uint8" || d.type == "uint16" || d.type == "uint32" || d.type == "float32";
    if (!known)
      image_.refuse("voxel-type", cells, fmt::format("its voxels are {}", d.type),
                    "uint8, uint16, uint32, float32, little-endian", kMakeAgain);
    else if (d.type != setup.type)
      image_.refuse("voxel-type", cells, fmt::format("its voxels are {}", d.type),
                    fmt::format("{}, as in the first volume", setup.type), kMakeAgain);
  }

  void check_filters(const std::string& cells, const Dataset& d) {
    for (const auto& [id, name] : d.filters)
      if (id != H5Z_FILTER_SHUFFLE && id != H5Z_FILTER_DEFLATE && id != H5Z_FILTER_FLETCHER32)
        image_.refuse("filters", cells, fmt::format("is filtered by '{}' (number {})", name.empty() ? "?" : name, id),
                      "shuffle, deflate, fletcher32: JHDF5 fails on others, and h5wasm returns garbage without a word",
                      "h5repack -f SHUF -f GZIP=1 data.h5 copy.h5");
  }

  void check_shape(const std::string& cells, const Dataset& d, const CheckedSetup& setup, std::size_t level) {
    Index3 wanted = setup.shape;
    for (std::size_t axis = 0; axis < 3; ++axis)
      wanted[axis] =
          std::max<Index>(1, wanted[axis] / std::max<Index>(1, static_cast<Index>(setup.factors[level][2 - axis])));
    if (index3(d.shape) != wanted)
      image_.refuse("level-shape", cells, fmt::format("is {}", text_of(index3(d.shape))),
                    fmt::format("{}: the image divided by the factors in resolutions", text_of(wanted)), kMakeAgain);
    if (level < setup.chunks.size() && index3(d.chunk) != setup.chunks[level])
      image_.refuse("subdivisions", cells, fmt::format("has chunks of {}", text_of(index3(d.chunk))),
                    fmt::format("{}, as its row in subdivisions says", text_of(setup.chunks[level])), kMakeAgain);
  }

  void check_attributes(const std::string& cells, CheckedSetup& setup, std::size_t level) {
    const Handle set(H5Dopen2(h5_.get(), cells.c_str(), H5P_DEFAULT), H5Dclose, "open '" + cells + "'");
    if (hdf5::read_text_attribute(set, "axistags") != std::string(layout::kAxisTags))
      image_.refuse("axistags", cells, "its axistags do not say that the axes are z, y, x", layout::kAxisTags,
                    "add the attribute as text of fixed length; ilastik reads it");
    std::array<double, 3> spacing{};
    if (!hdf5::read_numbers_attribute(set, "element_size_um", spacing) ||
        *std::min_element(spacing.begin(), spacing.end()) <= 0) {
      image_.refuse("element-size", cells, "has no element_size_um of three positive numbers",
                    "float64 z, y, x in micrometres", "add the attribute; ilastik and Python read the spacing there");
      return;
    }
    if (level == 0 && setup.spacing_um == std::array<double, 3>{}) setup.spacing_um = spacing;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double wanted = setup.spacing_um[axis] * setup.factors[level][2 - axis];
      if (std::abs(spacing[axis] - wanted) > 1e-6 * wanted) {
        image_.refuse("element-size", cells,
                      fmt::format("its voxels are {} um along axis {}", spacing[axis], "zyx"[axis]),
                      fmt::format("{} um: the image's times the factor in resolutions", wanted), kMakeAgain);
        return;
      }
    }
  }

  void check_chunk(const std::string& cells, const Dataset& d, const CheckedSetup& setup, std::size_t level) {
    constexpr Index kMostBytes = 1 << 20;
    const Index3 chunk = index3(d.chunk), shape = index3(d.shape);
    Grid grid{shape, {}};
    for (std::size_t axis = 0; axis < 3; ++axis)
      grid.spacing[axis].value = std::max(setup.spacing_um[axis], 1e-9) * setup.factors[level][2 - axis];
    const Index voxel_bytes = d.type == "uint8" ? 1 : d.type == "uint16" ? 2 : 4;
    const Index3 usual = chunk_shape(grid);
    if (count(chunk) * voxel_bytes > kMostBytes || 2 * count(chunk) < count(usual))
      image_.refuse(
          "chunk-size", cells,
          fmt::format("its chunks are {}, {} KiB", text_of(chunk), count(chunk) * voxel_bytes / 1024),
          fmt::format("about {}, at most 1 MiB: small ones cost dearly at terabytes, large ones with every look",
                      text_of(usual)),
          fmt::format("h5repack -l CHUNK={}x{}x{} data.h5 copy.h5", usual[kZ], usual[kY], usual[kX]));
  }

  CheckedImage& image_;
  const Handle& h5_;
};
}  // namespace

void check_layout(CheckedImage& image) {
  LayoutCheck(image).run();
}

}  // namespace voxflow::archive
