#include "pipeline/archive/write_driver.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace voxflow::archive::hdf5 {

namespace {
/// What travels in the file access properties.
struct Setting {
  WriteFailure* failure;
};

struct Kept {
  haddr_t address;
  std::vector<char> bytes;
};

struct File {
  H5FD_t base;  // first: HDF5 sees no more than this
  int descriptor;
  haddr_t allocated_end, end;
  WriteFailure* failure;
  std::vector<Kept> kept;  // writes since the first failure, in order
};

File& file_of(H5FD_t* f) {
  return *reinterpret_cast<File*>(f);
}
const File& file_of(const H5FD_t* f) {
  return *reinterpret_cast<const File*>(f);
}

H5FD_t* open(const char* name, unsigned flags, hid_t access, haddr_t) {
  const auto* setting = static_cast<const Setting*>(H5Pget_driver_info(access));
  if (setting == nullptr) return nullptr;
  const int mode = O_RDWR | O_CLOEXEC | ((flags & H5F_ACC_CREAT) != 0 ? O_CREAT : 0) |
                   ((flags & H5F_ACC_EXCL) != 0 ? O_EXCL : 0) | ((flags & H5F_ACC_TRUNC) != 0 ? O_TRUNC : 0);
  const int descriptor = ::open(name, mode, 0666);
  struct stat status {};
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
    setting->failure->error = errno;
    if (descriptor >= 0) ::close(descriptor);
    return nullptr;
  }
  auto* file = new (std::nothrow) File{{}, descriptor, 0, static_cast<haddr_t>(status.st_size), setting->failure, {}};
  if (file == nullptr) ::close(descriptor);
  return reinterpret_cast<H5FD_t*>(file);
}

herr_t close(H5FD_t* f) {
  File& file = file_of(f);
  if (::close(file.descriptor) != 0 && file.failure->error == 0) file.failure->error = errno;
  delete &file;
  return 0;
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_POSIX_COMPAT_HANDLE | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t get_allocated_end(const H5FD_t* f, H5FD_mem_t) {
  return file_of(f).allocated_end;
}

herr_t set_allocated_end(H5FD_t* f, H5FD_mem_t, haddr_t address) {
  file_of(f).allocated_end = address;
  return 0;
}

haddr_t get_end(const H5FD_t* f, H5FD_mem_t) {
  return file_of(f).end;
}

herr_t get_handle(H5FD_t* f, hid_t, void** handle) {
  *handle = &file_of(f).descriptor;
  return 0;
}

/// Bytes at `address` as they stand on disk; 0 beyond its end. False on an error.
bool read_from_disk(const File& file, haddr_t address, std::size_t size, char* to) {
  while (size > 0) {
    const ssize_t n = ::pread(file.descriptor, to, size, static_cast<off_t>(address));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) break;
    to += n, address += static_cast<haddr_t>(n), size -= static_cast<std::size_t>(n);
  }
  std::memset(to, 0, size);
  return true;
}

herr_t read(H5FD_t* f, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void* buffer) {
  const File& file = file_of(f);
  auto* const to = static_cast<char*>(buffer);
  if (!read_from_disk(file, address, size, to)) return -1;
  for (const Kept& kept : file.kept) {
    const haddr_t first = std::max(address, kept.address);
    const haddr_t last = std::min<haddr_t>(address + size, kept.address + kept.bytes.size());
    if (first < last) std::memcpy(to + (first - address), kept.bytes.data() + (first - kept.address), last - first);
  }
  return 0;
}

/// 0, or the errno of the failure.
int write_to_disk(const File& file, haddr_t address, std::size_t size, const char* from) {
  while (size > 0) {
    const ssize_t n = ::pwrite(file.descriptor, from, size, static_cast<off_t>(address));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    from += n, address += static_cast<haddr_t>(n), size -= static_cast<std::size_t>(n);
  }
  return 0;
}

herr_t write(H5FD_t* f, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, const void* buffer) {
  File& file = file_of(f);
  const auto* const from = static_cast<const char*>(buffer);
  if (file.failure->error == 0) file.failure->error = write_to_disk(file, address, size, from);
  if (file.failure->error != 0) try {
      file.kept.push_back({address, {from, from + size}});
    } catch (const std::bad_alloc&) {
      return -1;
    }
  file.end = std::max<haddr_t>(file.end, address + size);
  return 0;
}

herr_t truncate(H5FD_t* f, hid_t, hbool_t) {
  File& file = file_of(f);
  if (file.end == file.allocated_end) return 0;
  if (file.failure->error == 0 && ::ftruncate(file.descriptor, static_cast<off_t>(file.allocated_end)) != 0)
    file.failure->error = errno;
  file.end = file.allocated_end;
  return 0;
}

H5FD_class_t driver_class() {
  H5FD_class_t c{};
  c.name = "voxflow_write";
  c.maxaddr = static_cast<haddr_t>(INT64_MAX);
  c.fc_degree = H5F_CLOSE_WEAK;
  c.fapl_size = sizeof(Setting);
  c.open = open;
  c.close = close;
  c.query = query;
  c.get_eoa = get_allocated_end;
  c.set_eoa = set_allocated_end;
  c.get_eof = get_end;
  c.get_handle = get_handle;
  c.read = read;
  c.write = write;
  c.truncate = truncate;
  constexpr H5FD_mem_t kFreeLists[H5FD_MEM_NTYPES] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(kFreeLists), std::end(kFreeLists), std::begin(c.fl_map));
  return c;
}
}  // namespace

herr_t set_write_driver(hid_t access, WriteFailure& failure) {
  static const H5FD_class_t driver = driver_class();
  static const hid_t id = H5FDregister(&driver);
  const Setting setting{&failure};
  return id < 0 ? -1 : H5Pset_driver(access, id, &setting);
}

}  // namespace voxflow::archive::hdf5
