// Tables, transforms and failures as they travel between artifacts, calls and ranks.
#include "pipeline/run/small_values.hpp"

#include <doctest/doctest.h>

#include "pipeline/core/files.hpp"
#include "pipeline/record/transforms.hpp"
#include "pipeline/run/agreement.hpp"
#include "tests/support/temporary.hpp"

using namespace voxflow;
using namespace voxflow::run;

TEST_CASE("transforms come back from their text") {
  TransformSet set;
  set.entries = {{-1, 2, {}}, {3, -1, {}}};
  set.entries[0].transform.matrix[0][1] = 0.1, set.entries[1].transform.translation_um = {1.5, -2, 1e-9};
  CHECK(record::transform_set_from(set.to_json()).entries == set.entries);
  CHECK_THROWS_WITH_AS(record::transform_set_from("{\"format\":\"voxflow-transform\",\"format_version\":2}"),
                       "the set of transforms has format version 2, this voxflow knows up to 1; use a newer voxflow",
                       UserError);
  CHECK_THROWS_AS(record::transform_set_from("[]"), UserError);
}

TEST_CASE("tables come back from their text with whole numbers, numbers and names apart") {
  Table t;
  t.add({"label", "", std::vector<std::int64_t>{1, 20}});
  t.add({"volume", "um3", std::vector<double>{0.5, 1e30}});
  t.add({"name", "", std::vector<std::string>{"a b", "7c"}});
  const Table back = Table::from_tsv(t.to_tsv());
  CHECK(back.to_tsv() == t.to_tsv());
  for (std::size_t i = 0; i < 3; ++i) CHECK(back.columns()[i].values.index() == t.columns()[i].values.index());
  CHECK_THROWS_WITH_AS(Table::from_tsv("a\tb\n1\n"), "line 2 of the table has 1 fields, its header 2", UserError);
  CHECK_THROWS_WITH_AS(Table::from_tsv(""), "the table is empty: a header line is wanted", UserError);
}

TEST_CASE("small inputs are read by the kind of their port") {
  test::TestFolder folder;
  write_file_atomically(folder / "t.tsv", "a\n1\n");
  write_file_atomically(folder / "x.json", TransformSet{}.to_json());
  SmallInputs inputs;
  read_small_input("table", PortKind::table, folder / "t.tsv", inputs);
  read_small_input("transform", PortKind::transform, folder / "x.json", inputs);
  CHECK(std::get<Table>(inputs.values.at("table")).rows() == 1);
  CHECK(std::get<TransformSet>(inputs.values.at("transform")).entries.empty());
}

TEST_CASE("a PSF of several channels is given channel by channel") {
  SmallInputs inputs;
  inputs.values["psf"] = Psf{{}, {1}};
  inputs.psfs["psf"] = {Psf{{}, {1}}, Psf{{}, {2}}};
  CHECK(std::get<Psf>(inputs.for_channel(1).at("psf")).voxels[0] == 2);
  inputs.psf_channels["psf"] = {"GFP", "DAPI"};
  CHECK(std::get<Psf>(inputs.for_channel(0, "DAPI").at("psf")).voxels[0] == 2);
  CHECK(std::get<Psf>(inputs.for_channel(5, "GFP").at("psf")).voxels[0] == 1);
  CHECK_THROWS_WITH_AS(inputs.for_channel(0, "RFP"),
                       "input 'psf' has PSFs for 2 channels (GFP, DAPI), none for channel 'RFP'; name the channels of "
                       "both images alike, or give one PSF for all",
                       UserError);
  inputs.psf_channels["psf"] = {"0", "1"};
  CHECK(std::get<Psf>(inputs.for_channel(1, "RFP").at("psf")).voxels[0] == 2);
  CHECK_THROWS_WITH_AS(inputs.for_channel(2),
                       "input 'psf' has PSFs for 2 channels (0, 1), none for channel 2; name the channels of both "
                       "images alike, or give one PSF for all",
                       UserError);
}

TEST_CASE("failures are classed by who must act") {
  const auto class_of = [](auto error) { return describe_failure(std::make_exception_ptr(error)).failure_class; };
  CHECK(class_of(UserError("x")) == "user_error");
  CHECK(class_of(SystemError("x")) == "system_error");
  CHECK(class_of(DiskFullError("x")) == "disk_full");
  CHECK(class_of(OutOfMemoryError("x")) == "out_of_memory");
  CHECK(class_of(std::bad_alloc()) == "out_of_memory");
  CHECK(class_of(InternalError("x")) == "internal_error");
  CHECK(class_of(TaskError(ExitCode::user, "missing_input", "x")) == "missing_input");
  CHECK(describe_failure(std::make_exception_ptr(1)).message == "something was thrown that is no std::exception");
}

TEST_CASE("distinct messages are said once, with the ranks that met them") {
  const RankFailure full{ExitCode::system, "disk_full", "the disk is full", "block 3"},
      stopped{ExitCode::failed_tasks, "cancelled", "the task was cancelled", ""};
  const auto message = [](const std::vector<std::optional<RankFailure>>& failures) -> std::string {
    try {
      announce(solo_team(), failures);
    } catch (const TaskError& e) {
      return e.failure_class() + ": " + e.what();
    }
    return "agreed";
  };
  CHECK(message({std::nullopt, std::nullopt}) == "agreed");
  CHECK(message({full}) == "disk_full: block 3: the disk is full");
  CHECK(message({std::nullopt, full, full}) == "disk_full: block 3: the disk is full (ranks 1, 2)");
  CHECK(message({full, full}) == "disk_full: block 3: the disk is full (all ranks)");
  CHECK(message({stopped, full}) == "disk_full: block 3: the disk is full (rank 1)");
}
