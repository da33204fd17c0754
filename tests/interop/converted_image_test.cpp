// Formats that a converter reads: here a script that copies an OME-TIFF, and scripts that fail.
#include "pipeline/interop/converted_image.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "pipeline/core/error.hpp"
#include "pipeline/core/hash.hpp"
#include "pipeline/interop/import.hpp"
#include "pipeline/interop/tiff_writer.hpp"
#include "tests/interop/numbered_image.hpp"

using namespace voxflow;
using namespace voxflow::interop;
using namespace voxflow::test;

namespace fs = std::filesystem;

namespace {
/// A file of a format that nobody reads: a marker, then the OME-TIFF that the script cuts out.
struct Fixture : SampleFolder {
  Fixture() {
    TiffStack stack;
    stack.profile = TiffProfile::ome;
    stack.dtype = DType::uint16;
    stack.shape = {4, 5, 6};
    stack.spacing = {{{1.5}, {0.3}, {0.2}}};
    stack.channel_details = {{"DAPI", 460.0, 405.0}};
    TiffWriter writer(folder / "inside.tif", stack);
    std::vector<std::uint16_t> plane(30);
    for (Index z = 0; z < 4; ++z) {
      for (Index i = 0; i < 30; ++i)
        plane[static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(numbered_value(0, 0, z, i / 6, i % 6));
      writer.write_plane(plane.data());
    }
    writer.finish();
    write_file_atomically(folder / "cells.czi", "MICROSCOPE" + read_file(folder / "inside.tif"));
    fs::create_directory(folder / "tmp");
    setenv("TMPDIR", (folder / "tmp").c_str(), 1);
  }
  ~Fixture() { unsetenv("TMPDIR"); }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  bool nothing_left() const { return fs::is_empty(folder / "tmp"); }
  OpenOptions by(const std::string& script) const {
    write_file_atomically(folder / "convert", "#!/bin/sh\n" + script);
    fs::permissions(folder / "convert", fs::perms::owner_all);
    OpenOptions options;
    options.converter.command = {(folder / "convert").string(), "{input}", "{output}"};
    options.converter.version = {(folder / "convert").string(), "-version"};
    return options;
  }
};

const std::string kConverts =
    "if [ \"$1\" = -version ]; then echo 'convert 1.2.3'; echo 'Build date: today'; exit 0; fi\n"
    "tail -c +11 \"$1\" > \"$2\"\n";
}  // namespace

TEST_CASE_FIXTURE(Fixture, "a converted image is what the converter wrote, and its file is the original") {
  const auto image = open_image(folder / "cells.czi", by(kConverts));
  CHECK(image->facts().shape == Index3{4, 5, 6});
  CHECK(image->facts().spacing_um == Spacing{1.5, 0.3, 0.2});
  CHECK(image->facts().channels == std::vector<record::Channel>{{"DAPI", 460.0, 405.0}});
  CHECK(image->facts().importer.name == "convert");
  CHECK(image->facts().importer.version == "convert 1.2.3");
  CHECK(image->facts().importer.command == (folder / "convert").string() + " {input} {output}");
  CHECK(image->files() == std::vector<fs::path>{folder / "cells.czi"});
  CHECK(numbered<std::uint16_t>(*image));
}

TEST_CASE_FIXTURE(
    Fixture, "an import by a converter says so in its provenance, keeps the original's digest and leaves nothing") {
  const archive::Archive archive = archive::Archive::create(folder / "archive");
  ImportRequest request;
  request.project = "cells";
  request.agent = "ada";
  request.files = {folder / "cells.czi"};
  request.converter = by(kConverts).converter;
  const Imported imported = import_image(request, archive);
  CHECK(imported.name == "cells");
  const auto origin = archive.manifest(imported.artifact)->origin.value();
  CHECK(origin.importer == "convert");
  CHECK(origin.importer_version == "convert 1.2.3");
  CHECK(origin.converter == (folder / "convert").string() + " {input} {output}");
  CHECK(origin.files == std::vector<std::string>{(folder / "cells.czi").string()});
  CHECK(origin.file_digests == std::vector<Digest>{sha256_file(folder / "cells.czi")});
  CHECK(nothing_left());
}

TEST_CASE_FIXTURE(Fixture, "where no converter is installed the message says what to install") {
  OpenOptions options;
  options.converter.command = {"no-such-converter", "{input}", "{output}"};
  CHECK(
      refusal("cells.czi", options) ==
      place("cells.czi") +
          " is of no format that is read here, and the converter 'no-such-converter' is not installed; install it "
          "(bfconvert is part of Bio-Formats' command-line tools), name another one under import.converter in the site "
          "settings, or save the image as OME-TIFF");
}

TEST_CASE_FIXTURE(Fixture, "a converter that fails, writes nothing, or writes no image is told with its last words") {
  CHECK(refusal("cells.czi", by("for i in 1 2 3 4 5 6; do echo line $i; done\necho 'Unsupported CZI' >&2\nexit 3\n")) ==
        place("cells.czi") +
            ": the converter convert ended with code 3; its last words:\n  line 3\n  line 4\n  line 5\n  line 6\n"
            "  Unsupported CZI");
  CHECK(refusal("cells.czi", by("kill -9 $$\n")) ==
        place("cells.czi") + ": the converter convert ended with code 137 and said nothing");
  CHECK(refusal("cells.czi", by("echo nothing to do\n")) ==
        place("cells.czi") + ": the converter convert wrote no 'converted.ome.tif'; its last words:\n  nothing to do");
  CHECK(has(refusal("cells.czi", by("echo hello > \"$2\"\n")), place("cells.czi") + ", converted by convert: "));
  CHECK(nothing_left());
}
