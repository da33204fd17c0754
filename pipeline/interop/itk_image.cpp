#include "pipeline/interop/itk_image.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <sstream>

#include <fmt/format.h>
#include <itkMetaDataObject.h>
#include <itkMetaImageIO.h>
#include <itkNiftiImageIO.h>
#include <itkNrrdImageIO.h>
#include <itkPNGImageIO.h>
#include <itkVersion.h>

#include "pipeline/core/error.hpp"
#include "pipeline/core/text.hpp"
#include "pipeline/interop/itk_headers.hpp"
#include "pipeline/interop/microscope_units.hpp"

namespace fs = std::filesystem;

namespace voxflow::interop {

namespace {
using Format = ItkFormat;
constexpr unsigned kMostAxes = 4;

itk::ImageIOBase::Pointer make_io(Format format) {
  switch (format) {
    case Format::meta_image:
      return itk::MetaImageIO::New().GetPointer();
    case Format::nrrd:
      return itk::NrrdImageIO::New().GetPointer();
    case Format::nifti:
      return itk::NiftiImageIO::New().GetPointer();
    default:
      return itk::PNGImageIO::New().GetPointer();
  }
}

/// ITK without its warnings on stderr, its exceptions as ours.
template <class F>
auto by_itk(F&& f) {
  static const bool silenced = [] {
    itk::Object::SetGlobalWarningDisplay(false);
    return true;
  }();
  static_cast<void>(silenced);
  try {
    return f();
  } catch (const itk::ExceptionObject& e) {
    std::string words(trim(e.GetDescription()));
    std::replace(words.begin(), words.end(), '\n', ' ');
    throw UserError(fmt::format("it is damaged or cut off ({}); copy the file again from its source", words));
  }
}

itk::ImageIOBase::Pointer open_io(Format format, const fs::path& file) {
  return by_itk([&] {
    const auto io = make_io(format);
    io->SetFileName(file.string());
    io->ReadImageInformation();
    return io;
  });
}

void check_nifti_voxels(const itk::ImageIOBase& io, const fs::path& file, bool compressed, std::size_t voxels) {
  const auto number = [&](const char* key) {
    std::string text;
    itk::ExposeMetaData<std::string>(io.GetMetaDataDictionary(), key, text);
    return static_cast<std::uint64_t>(std::max(0.0, number_in(text).value_or(0)));
  };
  const std::uint64_t begin = number("vox_offset"), bytes = voxels * number("bitpix") / 8;
  if (compressed)
    check_gzip(file, 0, begin + bytes);
  else
    check_length(file, begin, bytes);
}

/// Seconds between timepoints; ITK leaves the unit of time out.
std::optional<double> nifti_time_step(const itk::ImageIOBase& io) {
  std::string step, units;
  itk::ExposeMetaData<std::string>(io.GetMetaDataDictionary(), "pixdim[4]", step);
  itk::ExposeMetaData<std::string>(io.GetMetaDataDictionary(), "xyzt_units", units);
  const auto v = number_in(step);
  // Of seconds, milliseconds and microseconds, by the format's codes 8, 16 and 24.
  constexpr std::array kSeconds{0.0, 1.0, 1e-3, 1e-6};
  const auto code = static_cast<std::size_t>(count_in(units).value_or(0)) >> 3;
  const double seconds = code < kSeconds.size() ? kSeconds.at(code) : 0;
  return v && *v > 0 && seconds > 0 ? std::optional(to_six_digits(*v * seconds)) : std::nullopt;
}

/// What the file says of the unit of its lengths; nothing where it gives no lengths, "" where it names no unit.
std::optional<std::string> length_unit(Format format, std::string_view head, const itk::ImageIOBase& io) {
  if (format == Format::meta_image) {
    if (!header_value(head, "ElementSpacing") && !header_value(head, "ElementSize")) return std::nullopt;
    const auto unit = header_value(head, "DistanceUnits");
    return unit && unit != "?" ? *unit : "";
  }
  if (format == Format::nrrd) {
    if (!header_value(head, "spacings") && !header_value(head, "space directions")) return std::nullopt;
    std::string unit = header_value(head, "space units").value_or(header_value(head, "units").value_or(""));
    // "mm" "mm" "mm": one an axis.
    std::replace(unit.begin(), unit.end(), '"', ' ');
    std::istringstream first(unit);
    first >> unit;
    return unit;
  }
  if (format == Format::nifti) {
    // ITK converts to millimetres whatever the unit is; 0 in the lower bits of xyzt_units names none.
    std::string code;
    itk::ExposeMetaData<std::string>(io.GetMetaDataDictionary(), "xyzt_units", code);
    return (count_in(code).value_or(0) & 7) != 0 ? "mm" : "";
  }
  return std::nullopt;
}

SampleType sample_type(const itk::ImageIOBase& io) {
  if (io.GetNumberOfComponents() != 1)
    throw UserError(fmt::format("it has {} values a voxel; split it into channels first, one file a channel",
                                io.GetNumberOfComponents()));
  using Type = itk::IOComponentEnum;
  switch (io.GetComponentType()) {
    case Type::UCHAR:
      return SampleType::uint8;
    case Type::USHORT:
      return SampleType::uint16;
    case Type::UINT:
      return SampleType::uint32;
    case Type::CHAR:
      return SampleType::int8;
    case Type::SHORT:
      return SampleType::int16;
    case Type::INT:
      return SampleType::int32;
    case Type::FLOAT:
      return SampleType::float32;
    case Type::DOUBLE:
      return SampleType::float64;
    default:
      throw UserError(
          fmt::format("it holds voxels of type {}; 8-, 16- and 32-bit integers and 32- and 64-bit floats can be "
                      "imported: convert it first",
                      itk::ImageIOBase::GetComponentTypeAsString(io.GetComponentType())));
  }
}

/// "1 0 0 0 1 0 0 0 1": the directions of x, y and z one after another; "" when the axes are not turned.
std::string direction_text(const itk::ImageIOBase& io) {
  std::vector<std::string> numbers;
  bool turned = false;
  const unsigned axes = std::min(io.GetNumberOfDimensions(), 3U);
  for (unsigned i = 0; i < axes; ++i) {
    const auto direction = io.GetDirection(i);
    for (unsigned j = 0; j < axes; ++j) {
      turned = turned || std::abs(direction[j] - (i == j ? 1 : 0)) > 1e-9;
      numbers.push_back(fmt::format("{:.6g}", direction[j] + 0.0));
    }
  }
  return turned ? join(numbers, " ") : "";
}

/// The machine's memory, or what a limit (ulimit -v) leaves of it.
double memory_of_process_bytes() {
  const double machine = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return machine;
  return std::min(machine, static_cast<double>(limit.rlim_cur));
}

class ItkImage : public ImageFile {
 public:
  ItkImage(const fs::path& file, std::string_view head, Format format)
      : file_(file), format_(format), data_file_(voxel_file(format, file, head)) {
    const auto io = open_io(format, file);
    by_planes_ = format == Format::meta_image ? io->CanStreamRead() : format == Format::nifti && !is_gzip(head);
    axes_ = io->GetNumberOfDimensions();
    while (axes_ > kMostAxes && io->GetDimensions(axes_ - 1) == 1) --axes_;
    if (axes_ < 2 || axes_ > kMostAxes)
      throw UserError(fmt::format("it has {} axes; 2 to 4 are read: y x, z y x, or t z y x", axes_));
    found().type = sample_type(*io);
    const auto extent = [&](unsigned axis) {
      return axis < axes_ ? static_cast<Index>(io->GetDimensions(axis)) : Index{1};
    };
    found().shape = {extent(2), extent(1), extent(0)};
    found().timepoints = static_cast<int>(extent(3));
    found().channels.resize(1);
    read_spacing(*io, length_unit(format, head, *io));
    if (!by_planes_) check_memory();
    check_voxels(*io, head);
    if (format == Format::nifti && facts().timepoints > 1) found().time_step_s = nifti_time_step(*io);
    if (format == Format::meta_image) meta_image_ = meta_image_data(file, data_file_, head, voxel_bytes());
    if (const std::string direction = direction_text(*io); !direction.empty()) add_text("axis_directions", direction);
    constexpr std::array kNames{"metaimage", "nrrd", "nifti", "png"};
    found().importer = {kNames.at(static_cast<std::size_t>(format)),
                        fmt::format("ITK {}", itk::Version::GetITKVersion())};
  }

  std::vector<fs::path> files() const override {
    return data_file_ ? std::vector<fs::path>{file_, *data_file_} : std::vector<fs::path>{file_};
  }
  Index planes_at_once() const override { return facts().shape[kZ]; }

  void read_planes(int t, int, Index first, Index planes, void* voxels) override {
    const auto plane = static_cast<std::size_t>(facts().shape[kY] * facts().shape[kX]);
    const std::size_t n = plane * static_cast<std::size_t>(planes), bytes = size_bytes(facts().type);
    with_context(fmt::format("'{}'", file_.string()), [&] {
      if (by_planes_) {
        std::vector<char> raw(n * bytes);
        read_box({t, first}, {1, planes}, raw.data());
        return store_samples(facts().type, raw.data(), n, voxels);
      }
      const std::lock_guard hold(lock_);
      if (whole_.empty()) {
        std::vector<char> read(voxel_bytes());
        if (meta_image_.compressed)
          inflate_meta_image(meta_image_, bytes, read);
        else
          read_box({0, 0}, {facts().timepoints, facts().shape[kZ]}, read.data());
        whole_.swap(read);
      }
      const std::size_t at = plane * static_cast<std::size_t>(t * facts().shape[kZ] + first) * bytes;
      store_samples(facts().type, whole_.data() + at, n, voxels);
    });
  }

  void close() override { std::vector<char>().swap(whole_); }

 private:
  void check_memory() const {
    constexpr double kGigabyte = 1e9;
    const auto wanted = static_cast<double>(voxel_bytes()), allowed = memory_of_process_bytes();
    if (wanted > allowed)
      throw UserError(fmt::format(
          "its voxels are {:.1f} GB, which are held in memory as a whole, since they are compressed or in an NRRD "
          "file; "
          "this process may have {:.1f} GB: write it as MetaImage or NIfTI without compression, or as OME-TIFF",
          wanted / kGigabyte, allowed / kGigabyte));
  }

  void check_voxels(const itk::ImageIOBase& io, std::string_view head) const {
    const fs::path data = data_file_.value_or(file_);
    if (format_ == Format::nifti) check_nifti_voxels(io, data, is_gzip(head), voxel_bytes() / size_bytes(facts().type));
    const std::string encoding = format_ == Format::nrrd ? header_value(head, "encoding").value_or("") : "";
    if (encoding == "gzip" || encoding == "gz") check_gzip(data, data_file_ ? 0 : head.find("\n\n") + 2, voxel_bytes());
  }

  std::size_t voxel_bytes() const {
    return static_cast<std::size_t>(count(facts().shape) * facts().timepoints) * size_bytes(facts().type);
  }

  void add_text(const char* key, const std::string& text) {
    found().annotations.push_back({{key, record::AnnotationType::text, ""}, text});
  }

  void read_spacing(const itk::ImageIOBase& io, const std::optional<std::string>& unit) {
    found().calibration_note = "its header gives none";
    if (!unit) return;
    if (!unit->empty() && !micrometres_in(*unit)) {
      found().calibration_note = fmt::format("its unit is '{}', which is no length", *unit);
      return;
    }
    for (unsigned axis = 0; axis < std::min(axes_, 3U); ++axis)
      if (const double v = io.GetSpacing(axis); v > 0)
        found().spacing_um[2 - axis] = in_micrometres(to_six_digits(v), unit->empty() ? "mm" : *unit);
    if (unit->empty()) add_text("file_spacing_unit", "not named; taken for mm");
  }

  /// `origin` and `extent`: t, z; whole planes.
  void read_box(std::array<Index, 2> origin, std::array<Index, 2> extent, char* samples) const {
    const auto io = open_io(format_, file_);
    itk::ImageIORegion region(io->GetNumberOfDimensions());
    for (unsigned axis = 0; axis < io->GetNumberOfDimensions(); ++axis) {
      const bool part = axis == 2 || axis == 3;
      region.SetIndex(axis, part ? static_cast<itk::IndexValueType>(origin[3 - axis]) : 0);
      region.SetSize(axis, part ? static_cast<itk::SizeValueType>(extent[3 - axis]) : io->GetDimensions(axis));
    }
    by_itk([&] {
      io->SetIORegion(region);
      io->Read(samples);
    });
  }

  fs::path file_;
  Format format_;
  std::optional<fs::path> data_file_;
  MetaImageData meta_image_;  // of a MetaImage
  unsigned axes_ = 0;
  bool by_planes_ = false;
  std::mutex lock_;
  std::vector<char> whole_;  // as in the file
};

}  // namespace

std::unique_ptr<ImageFile> open_itk(const fs::path& file, std::string_view head) {
  auto format = itk_format(head);
  if (!format && is_gzip(head) && itk::NiftiImageIO::New()->CanReadFile(file.c_str())) format = Format::nifti;
  if (!format) return nullptr;
  return with_context(fmt::format("'{}'", file.string()),
                      [&] { return std::make_unique<ItkImage>(file, head, *format); });
}

}  // namespace voxflow::interop
