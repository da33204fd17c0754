#include <doctest/doctest.h>

#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;

// As little as a kernel can be.
struct Smallest {
  struct Params {};
  static void describe(KernelSchema<Params>& k) { k.name("test.smallest"); }
  void run(const Params&, const Block& block, Context&) const { block.output()(0, 0, 0) = block.input()(0, 0, 0) + 1; }
};

// All that a kernel can have.
struct Largest {
  struct Params {
    int low = 1, high = 2;
  };
  struct State {
    Index planes;
  };
  struct Survey {
    double sum;
    std::string words;
    void encode(ByteWriter& out) const { out.put(sum).put(words); }
    static Survey decode(ByteReader& in) {
      Survey s;
      s.sum = in.get<double>();
      s.words = in.get_string();
      return s;
    }
  };
  static void describe(KernelSchema<Params>& k) {
    k.name("test.largest");
    k.param(&Params::low, "low").range(0, 100).doc("Low.");
    k.param(&Params::high, "high").range(0, 100).doc("High.");
  }
  void check(const Params& p) const {
    if (p.low > p.high) throw UserError("low is above high; swap them");
  }
  Halo halo(const Params& p, const Grid&) const { return Halo::symmetric({p.low, p.high, p.high}); }
  Box3 footprint(const Params&, const State& s, const Box3& core, const Slice&, const Grid&) const {
    return {core.origin, {s.planes, 1, 1}};
  }
  Grid output_grid(const Params& p, const Geometry& g) const { return {{p.high, 1, 1}, g.grid.spacing}; }
  std::size_t scratch_bytes(const Params&, const Index3& extent) const {
    return static_cast<std::size_t>(count(extent));
  }
  State prepare(const Params&, const Geometry& g) const { return {g.grid.shape[kZ]}; }
  Survey survey(const Params& p, const State& s, const Block& block, Context&) const {
    return {static_cast<double>(block.input()(0, 0, 0)) + p.low, std::string(static_cast<std::size_t>(s.planes), 'z')};
  }
  void merge(Survey& into, const Survey& next) const { into.sum += next.sum, into.words += next.words; }
  void run(const Params&, const State& s, const Survey& survey, const Block& block, Context&) const {
    block.output()(0, 0, 0) = static_cast<float>(survey.sum) + static_cast<float>(s.planes);
  }
  SmallValues emit(const Params&, const State&, const Survey& survey, const Slice& slice) const {
    Table table;
    table.add({"t", "", std::vector<std::int64_t>{slice.t}});
    table.add({"words", "", std::vector<std::string>{survey.words}});
    return {{"table", table}};
  }
  Connectivity connectivity(const Params&) const { return Connectivity::faces; }
};

// A survey of plain data needs no encode of its own.
struct PlainSurvey {
  struct Params {};
  struct Survey {
    int voxels;
  };
  static void describe(KernelSchema<Params>& k) { k.name("test.plain"); }
  Survey survey(const Params&, const Block&, Context&) const { return {7}; }
  void merge(Survey& into, const Survey& next) const { into.voxels += next.voxels; }
  SmallValues emit(const Params&, const Survey& s, const Slice&) const {
    Table table;
    table.add({"voxels", "", std::vector<std::int64_t>{s.voxels}});
    return {{"table", table}};
  }
};

// A block of one voxel.
struct OneVoxel {
  float in = 5, out = 0;
  Block block;
  OneVoxel() {
    const Box3 box{{0, 0, 0}, {1, 1, 1}};
    block.inputs.push_back({"image", {{&in, DType::float32, box}}, {}});
    block.outputs.push_back({"image", {{&out, DType::float32, box}}, {}});
  }
};

const Geometry kGeometry{{{3, 4, 5}, {}}, {}, 1, 1, {}, {}};
}  // namespace

TEST_CASE("a kernel of describe and run alone gets every default of the contract") {
  const auto kernel = make_kernel<Smallest>();
  CHECK_FALSE(kernel->has_scratch_bytes());
  const auto bound = kernel->bind({});
  CHECK(bound->halo(kGeometry.grid) == Halo{});
  CHECK_FALSE(bound->has_footprint());
  CHECK(bound->footprint({}, {{1, 2, 3}, {4, 5, 6}}, {}, {}) == Box3{{1, 2, 3}, {4, 5, 6}});
  CHECK(bound->output_grid(kGeometry) == kGeometry.grid);
  CHECK(bound->scratch_bytes({9, 9, 9}) == 0);
  CHECK(bound->prepare(kGeometry) == nullptr);
  CHECK_FALSE(bound->has_survey());
  CHECK(bound->emit({}, {}, {}).empty());
  REQUIRE(bound->has_run());
  OneVoxel voxel;
  Context context;
  bound->run({}, {}, voxel.block, context);
  CHECK(voxel.out == 6);
}

TEST_CASE("parameters, state and survey reach every function of a kernel that has them") {
  const auto kernel = make_kernel<Largest>();
  CHECK(kernel->has_scratch_bytes());
  const auto bound = kernel->bind({{"low", std::int64_t{4}}, {"high", std::int64_t{6}}});
  CHECK(bound->halo({}) == Halo::symmetric({4, 6, 6}));
  CHECK(bound->output_grid(kGeometry).shape == Index3{6, 1, 1});
  CHECK(bound->scratch_bytes({2, 3, 4}) == 24);
  CHECK(bound->connectivity() == Connectivity::faces);
  const AnyState state = bound->prepare(kGeometry);
  CHECK(bound->has_footprint());
  CHECK(bound->footprint(state, {{7, 7, 7}, {1, 1, 1}}, {}, {}) == Box3{{7, 7, 7}, {3, 1, 1}});
  OneVoxel voxel;
  Context context;
  const AnySurvey whole = bound->survey(state, voxel.block, context);
  bound->merge(whole, bound->decode(bound->encode(bound->survey(state, voxel.block, context))));
  bound->run(state, whole, voxel.block, context);
  CHECK(voxel.out == 2 * 9 + 3);
  const auto emitted = std::get<Table>(bound->emit(state, whole, {2, -1}).at("table"));
  CHECK(emitted.to_tsv() == "t\twords\n2\tzzzzzz\n");
}

TEST_CASE("a survey of plain data crosses between ranks as it is") {
  const auto bound = make_kernel<PlainSurvey>()->bind({});
  CHECK_FALSE(bound->has_run());
  Context context;
  const AnySurvey whole = bound->decode(bound->encode(bound->survey({}, {}, context)));
  bound->merge(whole, bound->survey({}, {}, context));
  CHECK(std::get<Table>(bound->emit({}, whole, {}).at("table")).to_tsv() == "voxels\n14\n");
}

TEST_CASE("a survey cut short on its way between ranks is an internal error") {
  const auto bound = make_kernel<Largest>()->bind({});
  CHECK_THROWS_WITH_AS(bound->decode("1234"), "a message between ranks is shorter than its content", InternalError);
}

TEST_CASE("bind refuses values that do not fit their declaration or each other") {
  const auto kernel = make_kernel<Largest>();
  CHECK_THROWS_WITH_AS(kernel->bind({{"low", std::int64_t{101}}}),
                       "kernel 'test.largest': low is 101, allowed 0 to 100", UserError);
  CHECK_THROWS_WITH_AS(kernel->bind({{"low", std::int64_t{9}}}), "kernel 'test.largest': low is above high; swap them",
                       UserError);
}

TEST_CASE("a block answers for a port that it has not, or for another voxel type, with an internal error") {
  const OneVoxel voxel;
  CHECK_THROWS_WITH_AS(voxel.block.input("labels"), "the kernel has no volumetric port 'labels' here", InternalError);
  CHECK_THROWS_WITH_AS(voxel.block.input<std::uint8_t>(), "port 'image' holds float32", InternalError);
  CHECK(voxel.block.slices("labels") == 0);
}

TEST_CASE("a small input is asked for by port and type") {
  Geometry geometry;
  geometry.small["transform"] = TransformSet{{{0, 0, {}}}};
  CHECK(geometry.small_input<TransformSet>("transform").entries.size() == 1);
  CHECK_THROWS_WITH_AS(geometry.small_input<Psf>("transform"), "the kernel has no small input 'transform' of that type",
                       InternalError);
}

TEST_CASE("a context says when to stop") {
  std::atomic<bool> stop{false};
  const Context context(3, &stop);
  CHECK_FALSE(context.cancelled());
  stop = true;
  CHECK(context.cancelled());
  CHECK(context.threads() == 3);
  CHECK_FALSE(Context().cancelled());
}
