#include "pipeline/archive/hdf5_file.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "pipeline/archive/hdf5.hpp"
#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"

namespace fs = std::filesystem;

namespace voxflow::archive {

namespace {
using hdf5::Handle;
constexpr unsigned kMostRanks = 32;

hid_t memory_type(SampleType t) {
  switch (t) {
    case SampleType::uint8:
      return H5T_NATIVE_UINT8;
    case SampleType::uint16:
      return H5T_NATIVE_UINT16;
    case SampleType::uint32:
      return H5T_NATIVE_UINT32;
    case SampleType::int8:
      return H5T_NATIVE_INT8;
    case SampleType::int16:
      return H5T_NATIVE_INT16;
    case SampleType::int32:
      return H5T_NATIVE_INT32;
    case SampleType::float32:
      return H5T_NATIVE_FLOAT;
    default:
      return H5T_NATIVE_DOUBLE;
  }
}

std::string name_of(hid_t type) {
  const std::size_t bits = 8 * H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return fmt::format("{}int{}", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "", bits);
    case H5T_FLOAT:
      return fmt::format("float{}", bits);
    case H5T_STRING:
      return "text";
    case H5T_ENUM:
      return "enumeration";
    default:
      return "compound or other type";
  }
}

std::vector<Index> shape_of(hid_t space) {
  std::array<hsize_t, kMostRanks> extents{};
  const int rank = H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  std::vector<Index> shape;
  for (int i = 0; i < rank; ++i) shape.push_back(static_cast<Index>(extents.at(static_cast<std::size_t>(i))));
  return shape;
}

herr_t add_name(hid_t, const char* name, const H5L_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

herr_t add_dataset_path(hid_t, const char* name, const H5O_info_t* object, void* paths) {
  if (object->type == H5O_TYPE_DATASET)
    static_cast<std::vector<std::string>*>(paths)->push_back("/" + std::string(name));
  return 0;
}

/// The first filter of a dataset that is not installed, "" when all are.
std::string missing_filter(hid_t dataset) {
  const Handle properties(H5Dget_create_plist(dataset), H5Pclose, "read the dataset's properties");
  const int n = H5Pget_nfilters(properties.get());
  for (int i = 0; i < n; ++i) {
    unsigned flags = 0, config = 0;
    std::size_t values = 0;
    std::array<char, 64> name{};
    const H5Z_filter_t id = H5Pget_filter2(properties.get(), static_cast<unsigned>(i), &flags, &values, nullptr,
                                           name.size(), name.data(), &config);
    if (id >= 0 && H5Zfilter_avail(id) <= 0) return fmt::format("'{}' (number {})", name.data(), id);
  }
  return "";
}

std::string fixed_text(const Handle& attribute, const Handle& type, hssize_t count) {
  std::string text(H5Tget_size(type.get()) * static_cast<std::size_t>(count), '\0');
  hdf5::check(H5Aread(attribute.get(), type.get(), text.data()), "read an attribute");
  text.resize(std::min(text.size(), text.find('\0')));
  return text;
}

std::string variable_text(const Handle& attribute, const Handle& type) {
  char* text = nullptr;
  hdf5::check(H5Aread(attribute.get(), type.get(), static_cast<void*>(&text)), "read an attribute");
  std::string copy = text != nullptr ? text : "";
  H5free_memory(text);
  return copy;
}
}  // namespace

struct Hdf5File::Impl {
  fs::path path;
  Handle file;

  /// Runs `f` under the lock; what HDF5 cannot do with someone's file is for that person to know.
  template <class F>
  auto run(const std::string& object, F&& f) const {
    const hdf5::Lock lock;
    try {
      return f();
    } catch (const SystemError& e) {
      throw UserError(fmt::format("'{}', '{}': it is damaged or cut off ({}); copy the file again from its source",
                                  path.string(), object, e.what()));
    }
  }

  std::optional<Handle> attribute(const std::string& object, const std::string& name) const {
    if (!exists(object)) return std::nullopt;
    const htri_t there = H5Aexists_by_name(file.get(), object.c_str(), name.c_str(), H5P_DEFAULT);
    hdf5::check(there, fmt::format("look for attribute '{}'", name));
    if (there == 0) return std::nullopt;
    return Handle(H5Aopen_by_name(file.get(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                  fmt::format("open attribute '{}'", name));
  }

  /// HDF5 looks for one link at a time.
  bool exists(const std::string& object) const {
    if (object == "/") return true;
    for (std::size_t end = object.find('/', 1);; end = object.find('/', end + 1)) {
      if (H5Lexists(file.get(), object.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
      if (end == std::string::npos) return H5Oexists_by_name(file.get(), object.c_str(), H5P_DEFAULT) > 0;
    }
  }

  Handle open_dataset(const std::string& object) const {
    return {H5Dopen2(file.get(), object.c_str(), H5P_DEFAULT), H5Dclose, fmt::format("open dataset '{}'", object)};
  }

  Hdf5Dataset describe(const std::string& object) const {
    const Handle dataset = open_dataset(object);
    const Handle type(H5Dget_type(dataset.get()), H5Tclose, "read the type"),
        space(H5Dget_space(dataset.get()), H5Sclose, "read the shape");
    const std::string name = name_of(type.get());
    return {object, sample_type_from(name), name, shape_of(space.get())};
  }
};

Hdf5File::Hdf5File(const fs::path& file) : impl_(std::make_unique<Impl>()) {
  const hdf5::Lock lock;
  impl_->path = file;
  try {
    impl_->file = hdf5::open_file(file);
  } catch (const SystemError& e) {
    throw UserError(
        fmt::format("'{}' cannot be read as HDF5 ({}); copy the file again from its source", file.string(), e.what()));
  }
}

Hdf5File::~Hdf5File() = default;

const fs::path& Hdf5File::path() const {
  return impl_->path;
}

bool Hdf5File::contains(const std::string& path) const {
  const hdf5::Lock lock;
  return impl_->exists(path);
}

std::vector<std::string> Hdf5File::members(const std::string& group) const {
  return impl_->run(group, [&] {
    std::vector<std::string> names;
    if (!impl_->exists(group)) return names;
    hdf5::check(H5Literate_by_name(impl_->file.get(), group.c_str(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add_name,
                                   &names, H5P_DEFAULT),
                "list its members");
    std::sort(names.begin(), names.end(), natural_less);
    return names;
  });
}

std::vector<Hdf5Dataset> Hdf5File::datasets() const {
  return impl_->run("/", [&] {
    std::vector<std::string> paths;
    hdf5::check(H5Ovisit2(impl_->file.get(), H5_INDEX_NAME, H5_ITER_INC, add_dataset_path, &paths, H5O_INFO_BASIC),
                "list its datasets");
    std::vector<Hdf5Dataset> all;
    for (const std::string& path : paths) all.push_back(impl_->describe(path));
    return all;
  });
}

Hdf5Dataset Hdf5File::dataset(const std::string& path) const {
  return impl_->run(path, [&] { return impl_->describe(path); });
}

std::optional<std::string> Hdf5File::text(const std::string& object, const std::string& attribute) const {
  return impl_->run(object, [&]() -> std::optional<std::string> {
    const auto found = impl_->attribute(object, attribute);
    if (!found) return std::nullopt;
    const Handle type(H5Aget_type(found->get()), H5Tclose, "read an attribute's type"),
        space(H5Aget_space(found->get()), H5Sclose, "read an attribute's shape");
    if (H5Tget_class(type.get()) != H5T_STRING) return std::nullopt;
    const hssize_t count = H5Sget_simple_extent_npoints(space.get());
    if (H5Tis_variable_str(type.get()) <= 0) return fixed_text(*found, type, std::max<hssize_t>(count, 0));
    return count == 1 ? std::optional(variable_text(*found, type)) : std::nullopt;
  });
}

std::vector<double> Hdf5File::numbers(const std::string& object, const std::string& attribute) const {
  return impl_->run(object, [&] {
    std::vector<double> values;
    const auto found = impl_->attribute(object, attribute);
    if (!found) return values;
    const Handle type(H5Aget_type(found->get()), H5Tclose, "read an attribute's type"),
        space(H5Aget_space(found->get()), H5Sclose, "read an attribute's shape");
    const H5T_class_t kind = H5Tget_class(type.get());
    const hssize_t count = H5Sget_simple_extent_npoints(space.get());
    if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || count < 1) return values;
    values.resize(static_cast<std::size_t>(count));
    hdf5::check(H5Aread(found->get(), H5T_NATIVE_DOUBLE, values.data()), "read an attribute");
    return values;
  });
}

void Hdf5File::read(const std::string& path, const std::vector<Index>& origin, const std::vector<Index>& extent,
                    SampleType type, void* samples) const {
  impl_->run(path, [&] {
    const Handle dataset = impl_->open_dataset(path);
    if (const std::string filter = missing_filter(dataset.get()); !filter.empty())
      throw UserError(
          fmt::format("'{}', '{}': it is compressed by the HDF5 filter {}, which is not installed here; save it "
                      "with gzip",
                      impl_->path.string(), path, filter));
    const std::vector<hsize_t> start(origin.begin(), origin.end()), count(extent.begin(), extent.end());
    const Handle space(H5Dget_space(dataset.get()), H5Sclose, "read the shape"),
        memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), H5Sclose, "make a dataspace");
    hdf5::check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
                "choose a box");
    hdf5::check(H5Dread(dataset.get(), memory_type(type), memory.get(), space.get(), H5P_DEFAULT, samples),
                "read voxels");
  });
}

bool Hdf5File::is_hdf5(const fs::path& file) {
  const hdf5::Lock lock;
  return H5Fis_hdf5(file.c_str()) > 0;
}

std::string Hdf5File::library() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("HDF5 {}.{}.{}", major, minor, release);
}

}  // namespace voxflow::archive
