#include "pipeline/archive/hdf5.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "pipeline/archive/fletcher32.hpp"
#include "pipeline/core/error.hpp"

namespace voxflow::archive::hdf5 {

namespace {
std::recursive_mutex& mutex() {
  static std::recursive_mutex instance;
  return instance;
}

constexpr unsigned kDeflateLevel = 1;

herr_t append_words(unsigned, const H5E_error2_t* error, void* text) {
  auto& words = *static_cast<std::string*>(text);
  if (error->desc != nullptr && *error->desc != '\0') words += (words.empty() ? "" : "; ") + std::string(error->desc);
  return 0;
}

/// What the system said, where a file operation failed: "file read failed: Input/output error".
std::optional<std::string> system_words(const std::string& words) {
  constexpr std::string_view kBefore = "error message = '";
  const auto at = words.find(kBefore);
  if (at == std::string::npos) return std::nullopt;
  const std::string said =
      words.substr(at + kBefore.size(), words.find('\'', at + kBefore.size()) - at - kBefore.size());
  return words.substr(0, words.find(':')) + ": " + said;
}

[[noreturn]] void fail(const std::string& what) {
  std::string words;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, append_words, &words);
  H5Eclear2(H5E_DEFAULT);
  words = system_words(words).value_or(words);
  throw SystemError(fmt::format("cannot {}: HDF5: {}", what, words.empty() ? "no reason given" : words));
}

Handle space_of(std::span<const hsize_t> extent) {
  return {extent.empty() ? H5Screate(H5S_SCALAR)
                         : H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr),
          H5Sclose, "make a dataspace"};
}

Handle text_type(std::size_t size) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a text type");
  check(H5Tset_size(type.get(), std::max<std::size_t>(size, 1)), "make a text type");
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "make a text type");
  check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "make a text type");
  return type;
}

/// Creation properties without time stamps, so that equal contents give equal bytes.
Handle dataset_properties() {
  Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "make dataset properties");
  check(H5Pset_obj_track_times(properties.get(), false), "make dataset properties");
  return properties;
}

Handle link_properties() {
  Handle properties(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "make link properties");
  check(H5Pset_create_intermediate_group(properties.get(), 1), "make link properties");
  return properties;
}

Handle open_dataset(const Handle& parent, const std::string& path) {
  return {H5Dopen2(parent.get(), path.c_str(), H5P_DEFAULT), H5Dclose, fmt::format("open dataset '{}'", path)};
}

void write_dataset(const Handle& parent, const std::string& path, hid_t on_disk, hid_t in_memory,
                   std::span<const hsize_t> extent, const void* data) {
  const std::string what = fmt::format("write dataset '{}'", path);
  const Handle links = link_properties(), properties = dataset_properties(), space = space_of(extent);
  Handle dataset(
      H5Dcreate2(parent.get(), path.c_str(), on_disk, space.get(), links.get(), properties.get(), H5P_DEFAULT),
      H5Dclose, what);
  check(H5Dwrite(dataset.get(), in_memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), what);
  dataset.close(what);
}

void write_attribute(const Handle& object, const std::string& name, hid_t on_disk, hid_t in_memory,
                     std::span<const hsize_t> extent, const void* data) {
  const std::string what = fmt::format("write attribute '{}'", name);
  const Handle space = space_of(extent);
  const Handle attribute(H5Acreate2(object.get(), name.c_str(), on_disk, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose, what);
  check(H5Awrite(attribute.get(), in_memory, data), what);
}

std::optional<Handle> open_attribute(const Handle& object, const std::string& name) {
  const htri_t there = H5Aexists(object.get(), name.c_str());
  check(there, fmt::format("look for attribute '{}'", name));
  if (there == 0) return std::nullopt;
  return Handle(H5Aopen(object.get(), name.c_str(), H5P_DEFAULT), H5Aclose, fmt::format("open attribute '{}'", name));
}

Index3 extents(const std::array<hsize_t, 3>& e) {
  return {static_cast<Index>(e[0]), static_cast<Index>(e[1]), static_cast<Index>(e[2])};
}

std::array<hsize_t, 3> sizes(const Index3& e) {
  return {static_cast<hsize_t>(e[0]), static_cast<hsize_t>(e[1]), static_cast<hsize_t>(e[2])};
}
}  // namespace

Lock::Lock() : lock_(mutex()) {
  thread_local const herr_t silenced = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  static_cast<void>(silenced);
}

Handle::Handle(hid_t id, Close closes, const std::string& what) : id_(id), close_(closes) {
  if (id < 0) fail(what);
}

Handle::~Handle() {
  if (id_ < 0) return;
  const Lock lock;
  if (close_(id_) < 0) H5Eclear2(H5E_DEFAULT);
}

Handle::Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(close_, other.close_);
  return *this;
}

void Handle::close(const std::string& what) {
  check(close_(std::exchange(id_, -1)), what);
}

void check(herr_t status, const std::string& what) {
  if (status < 0) fail(what);
}

Handle create_file(const std::filesystem::path& file, WriteFailure& failure) {
  const std::string what = fmt::format("create '{}'", file.string());
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, what);
  check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_EARLIEST, H5F_LIBVER_V18), what);
  check(set_write_driver(access.get(), failure), what);
  return {H5Fcreate(file.c_str(), H5F_ACC_EXCL, H5P_DEFAULT, access.get()), H5Fclose, what};
}

Handle open_file(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) throw UserError(fmt::format("there is no file '{}'", file.string()));
  const std::string what = fmt::format("open '{}'", file.string());
  const htri_t known = H5Fis_hdf5(file.c_str());
  check(known, what);
  if (known == 0) throw UserError(fmt::format("'{}' is not an HDF5 file", file.string()));
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, what);
  check(H5Pset_file_locking(access.get(), false, true), what);
  return {H5Fopen(file.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose, what};
}

Handle create_group(const Handle& parent, const std::string& path) {
  const Handle links = link_properties();
  return {H5Gcreate2(parent.get(), path.c_str(), links.get(), H5P_DEFAULT, H5P_DEFAULT), H5Gclose,
          fmt::format("create group '{}'", path)};
}

Handle open_group(const Handle& parent, const std::string& path) {
  return {H5Gopen2(parent.get(), path.c_str(), H5P_DEFAULT), H5Gclose, fmt::format("open group '{}'", path)};
}

hid_t file_type(DType t) {
  switch (t) {
    case DType::uint8:
      return H5T_STD_U8LE;
    case DType::uint16:
      return H5T_STD_U16LE;
    case DType::uint32:
      return H5T_STD_U32LE;
    default:
      return H5T_IEEE_F32LE;
  }
}

Cells create_cells(const Handle& file, const std::string& path, DType storage, const Index3& shape, const Index3& chunk,
                   bool summed) {
  const std::string what = fmt::format("create dataset '{}'", path);
  const Handle properties = dataset_properties(), links = link_properties(), space = space_of(sizes(shape));
  check(H5Pset_chunk(properties.get(), 3, sizes(chunk).data()), what);
  if (size_bytes(storage) > 1) check(H5Pset_shuffle(properties.get()), what);
  check(H5Pset_deflate(properties.get(), kDeflateLevel), what);
  if (summed) check(H5Pset_fletcher32(properties.get()), what);
  check(H5Pset_fill_time(properties.get(), H5D_FILL_TIME_NEVER), what);
  const hid_t made =
      H5Dcreate2(file.get(), path.c_str(), file_type(storage), space.get(), links.get(), properties.get(), H5P_DEFAULT);
  return {{made, H5Dclose, what}, summed};
}

namespace {
bool has_fletcher32(hid_t properties) {
  const int filters = H5Pget_nfilters(properties);
  for (unsigned i = 0; std::cmp_less(i, filters); ++i) {
    unsigned flags = 0;
    std::size_t values = 0;
    if (H5Pget_filter2(properties, i, &flags, &values, nullptr, 0, nullptr, nullptr) == H5Z_FILTER_FLETCHER32)
      return true;
  }
  return false;
}
}  // namespace

Cells open_cells(const Handle& file, const std::string& path, DType storage, const Index3& shape, const Index3& chunk) {
  Cells cells{open_dataset(file, path)};
  const std::string what = fmt::format("read the shape of '{}'", path);
  const hid_t dataset = cells.dataset.get();
  const Handle space(H5Dget_space(dataset), H5Sclose, what), type(H5Dget_type(dataset), H5Tclose, what),
      properties(H5Dget_create_plist(dataset), H5Pclose, what);
  std::array<hsize_t, 3> found_shape{}, found_chunk{};
  const bool chunked =
      H5Pget_layout(properties.get()) == H5D_CHUNKED && H5Pget_chunk(properties.get(), 3, found_chunk.data()) == 3;
  const bool volume = H5Sget_simple_extent_ndims(space.get()) == 3 &&
                      H5Sget_simple_extent_dims(space.get(), found_shape.data(), nullptr) == 3;
  if (!chunked || !volume || extents(found_shape) != shape || extents(found_chunk) != chunk ||
      H5Tequal(type.get(), file_type(storage)) <= 0)
    throw SystemError(fmt::format("dataset '{}' is not of the shape, chunks and type that the image has", path));
  cells.summed = has_fletcher32(properties.get());
  return cells;
}

namespace {
constexpr std::size_t kFletcherBytes = 4;

std::span<const std::uint8_t> without_sum(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0;
  if (bytes.size() < kFletcherBytes) throw SystemError("the chunk is shorter than its checksum");
  std::memcpy(&sum, &bytes[bytes.size() - kFletcherBytes], kFletcherBytes);
  bytes = bytes.first(bytes.size() - kFletcherBytes);
  if (fletcher32(bytes) != sum) throw SystemError("the chunk's bytes do not match their checksum (fletcher32)");
  return bytes;
}
}  // namespace

void write_chunk(const Cells& cells, const Index3& origin, std::span<const std::uint8_t> bytes) {
  thread_local Scratch scratch;
  if (cells.summed) {
    std::uint8_t* const summed = scratch.get(bytes.size() + kFletcherBytes);
    std::memcpy(summed, bytes.data(), bytes.size());
    const std::uint32_t sum = fletcher32(bytes);
    std::memcpy(summed + bytes.size(), &sum, kFletcherBytes);
    bytes = {summed, bytes.size() + kFletcherBytes};
  }
  check(H5Dwrite_chunk(cells.dataset.get(), H5P_DEFAULT, 0, sizes(origin).data(), bytes.size(), bytes.data()),
        "write a chunk");
}

std::span<const std::uint8_t> read_chunk(const Cells& cells, const Index3& origin, Scratch& to) {
  const auto offset = sizes(origin);
  hsize_t size = 0;
  check(H5Dget_chunk_storage_size(cells.dataset.get(), offset.data(), &size), "find a chunk");
  if (size == 0) throw SystemError("the chunk was never written");
  std::uint8_t* const bytes = to.get(size);
  std::uint32_t skipped_filters = 0;
  check(H5Dread_chunk(cells.dataset.get(), H5P_DEFAULT, offset.data(), &skipped_filters, bytes), "read a chunk");
  if (skipped_filters != 0) throw SystemError("the chunk is not stored with the declared filters");
  return cells.summed ? without_sum({bytes, size}) : std::span<const std::uint8_t>(bytes, size);
}

void write_attribute(const Handle& object, const std::string& name, const std::string& text) {
  const Handle type = text_type(text.size());
  write_attribute(object, name, type.get(), type.get(), {}, text.data());
}

void write_attribute(const Handle& object, const std::string& name, int value) {
  write_attribute(object, name, H5T_STD_I32LE, H5T_NATIVE_INT, {}, &value);
}

void write_attribute(const Handle& object, const std::string& name, std::span<const double> values) {
  const hsize_t size = values.size();
  write_attribute(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {&size, 1}, values.data());
}

std::optional<std::string> read_text_attribute(const Handle& object, const std::string& name) {
  const auto attribute = open_attribute(object, name);
  if (!attribute) return std::nullopt;
  const std::string what = fmt::format("read attribute '{}'", name);
  const Handle type(H5Aget_type(attribute->get()), H5Tclose, what);
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0) return std::nullopt;
  std::string text(H5Tget_size(type.get()), '\0');
  check(H5Aread(attribute->get(), type.get(), text.data()), what);
  text.resize(std::min(text.size(), text.find('\0')));
  return text;
}

bool read_numbers_attribute(const Handle& object, const std::string& name, std::span<double> values) {
  const auto attribute = open_attribute(object, name);
  if (!attribute) return false;
  const std::string what = fmt::format("read attribute '{}'", name);
  const Handle type(H5Aget_type(attribute->get()), H5Tclose, what),
      space(H5Aget_space(attribute->get()), H5Sclose, what);
  const H5T_class_t kind = H5Tget_class(type.get());
  if ((kind != H5T_FLOAT && kind != H5T_INTEGER) ||
      H5Sget_simple_extent_npoints(space.get()) != static_cast<hssize_t>(values.size()))
    return false;
  check(H5Aread(attribute->get(), H5T_NATIVE_DOUBLE, values.data()), what);
  return true;
}

std::optional<int> read_int_attribute(const Handle& object, const std::string& name) {
  const auto attribute = open_attribute(object, name);
  if (!attribute) return std::nullopt;
  int value = 0;
  check(H5Aread(attribute->get(), H5T_NATIVE_INT, &value), fmt::format("read attribute '{}'", name));
  return value;
}

void write_text(const Handle& parent, const std::string& path, const std::string& text) {
  const Handle type = text_type(text.size());
  write_dataset(parent, path, type.get(), type.get(), {}, text.data());
}

std::string read_text(const Handle& parent, const std::string& path) {
  const Handle dataset = open_dataset(parent, path);
  const std::string what = fmt::format("read dataset '{}'", path);
  const Handle type(H5Dget_type(dataset.get()), H5Tclose, what);
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0)
    throw SystemError(fmt::format("dataset '{}' does not hold text", path));
  std::string text(H5Tget_size(type.get()), '\0');
  check(H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()), what);
  text.resize(std::min(text.size(), text.find('\0')));
  return text;
}

void write_rows(const Handle& parent, const std::string& path, std::span<const std::array<double, 3>> rows) {
  write_dataset(parent, path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, std::array<hsize_t, 2>{rows.size(), 3}, rows.data());
}

void write_rows(const Handle& parent, const std::string& path, std::span<const std::array<std::int32_t, 3>> rows) {
  write_dataset(parent, path, H5T_STD_I32LE, H5T_NATIVE_INT32, std::array<hsize_t, 2>{rows.size(), 3}, rows.data());
}

std::size_t count_rows(const Handle& parent, const std::string& path) {
  const Handle dataset = open_dataset(parent, path);
  const Handle space(H5Dget_space(dataset.get()), H5Sclose, fmt::format("read dataset '{}'", path));
  std::array<hsize_t, 2> found{};
  if (H5Sget_simple_extent_ndims(space.get()) != 2 ||
      H5Sget_simple_extent_dims(space.get(), found.data(), nullptr) != 2)
    throw SystemError(fmt::format("dataset '{}' is no matrix", path));
  return found[0];
}

void write_digests(const Handle& parent, const std::string& path, std::span<const Digest> digests) {
  static_assert(sizeof(Digest) == 32);
  write_dataset(parent, path, H5T_STD_U8LE, H5T_NATIVE_UINT8, std::array<hsize_t, 2>{digests.size(), 32},
                digests.data());
}

std::vector<Digest> read_digests(const Handle& parent, const std::string& path, std::size_t first, std::size_t size) {
  const Handle dataset = open_dataset(parent, path);
  const std::string what = fmt::format("read dataset '{}'", path);
  const Handle space(H5Dget_space(dataset.get()), H5Sclose, what);
  std::array<hsize_t, 2> found{};
  if (H5Sget_simple_extent_ndims(space.get()) != 2 ||
      H5Sget_simple_extent_dims(space.get(), found.data(), nullptr) != 2 || found[1] != 32 || first + size > found[0])
    throw SystemError(fmt::format("dataset '{}' does not hold a digest for every chunk", path));
  const std::array<hsize_t, 2> start{first, 0}, extent{size, 32};
  check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr), what);
  const Handle memory = space_of(extent);
  std::vector<Digest> digests(size);
  check(H5Dread(dataset.get(), H5T_NATIVE_UINT8, memory.get(), space.get(), H5P_DEFAULT, digests.data()), what);
  return digests;
}

}  // namespace voxflow::archive::hdf5
