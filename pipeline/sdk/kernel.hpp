// The kernel contract: what a kernel author includes, and the type-erased form that runner, planner and docs see.
//
// A kernel class K has
//   using Params = ...;                                    a plain struct; its initialisers are the defaults
//   static void describe(KernelSchema<Params>&);
//   void run(const Params&, [const State&,] [const Survey&,] const Block&, Context&) const;     unless only `emit`s
// and, where it needs them,
//   void check(const Params&) const;                       throws UserError where values do not fit each other
//   void check(const Params&, const Geometry&) const;      throws UserError where they do not fit the inputs; asked
//   when
//                                                          a run is planned, before small inputs are known, and again
//   Halo halo(const Params&, const Grid&) const;           voxels around a core, of every input
//   Box3 footprint(const Params&, [const State&,] const Box3& core, const Slice&, const Grid& input) const;
//   Grid output_grid(const Params&, const Geometry&) const;
//   std::size_t scratch_bytes(const Params&, const Index3& extent) const;   beyond the ports' buffers, of run or survey
//                                                           for one block of that input box; `volume`: needed
//   using State = ...;
//   State prepare(const Params&, const Geometry&) const;   once a process and task
//   using Survey = ...;
//   Survey survey(const Params&, [const State&,] const Block&, Context&) const;   first pass
//   void merge(Survey& into, const Survey& next) const;    called in block order
//   std::vector<SliceGroup> groups(const Params&, const SliceAxes&) const;   in_groups: what each survey sees
//   SmallValues emit(const Params&, [const State&,] [const Survey&,] const Slice&) const;   small ports; findings.hpp
//   Connectivity connectivity(const Params&) const;        blockwise(components)
// Survey is trivially copyable, or has  void encode(ByteWriter&) const  and  static Survey decode(ByteReader&).
// Every function is const, pure and thread-safe: the same arguments give the same bits.
#pragma once
#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include "pipeline/sdk/block.hpp"
#include "pipeline/sdk/schema.hpp"

namespace voxflow {

/// What `prepare` returned, held by the runner between calls.
using AnyState = std::shared_ptr<const void>;
/// What `survey` returned or merged, held by the runner between calls.
using AnySurvey = std::shared_ptr<void>;

/// A kernel with its parameters bound. Thread-safe.
class BoundKernel {
 public:
  virtual ~BoundKernel() = default;
  virtual void check(const Geometry&) const = 0;
  virtual Halo halo(const Grid& grid) const = 0;
  virtual bool has_footprint() const = 0;
  virtual Box3 footprint(const AnyState&, const Box3& core, const Slice&, const Grid& input) const = 0;
  virtual Grid output_grid(const Geometry&) const = 0;
  virtual std::size_t scratch_bytes(const Index3& extent) const = 0;
  virtual AnyState prepare(const Geometry&) const = 0;
  virtual std::vector<SliceGroup> groups(const SliceAxes&) const = 0;
  virtual bool has_survey() const = 0;
  virtual AnySurvey survey(const AnyState&, const Block&, Context&) const = 0;
  virtual void merge(const AnySurvey& into, const AnySurvey& next) const = 0;
  virtual std::string encode(const AnySurvey&) const = 0;
  virtual AnySurvey decode(std::string_view bytes) const = 0;
  virtual bool has_run() const = 0;
  virtual void run(const AnyState&, const AnySurvey&, const Block&, Context&) const = 0;
  virtual SmallValues emit(const AnyState&, const AnySurvey&, const Slice&) const = 0;
  virtual Connectivity connectivity() const = 0;
};

/// A kernel as it is registered.
class AnyKernel {
 public:
  virtual ~AnyKernel() = default;
  virtual const SchemaInfo& schema() const = 0;
  virtual bool has_scratch_bytes() const = 0;
  /// Throws UserError when a value does not fit its declaration or the other values.
  virtual std::unique_ptr<BoundKernel> bind(const ParamValues&) const = 0;
};

namespace detail {
struct None {};
template <class K>
struct StateOf {
  using type = None;
};
template <class K>
requires requires {
  typename K::State;
}
struct StateOf<K> {
  using type = typename K::State;
};
template <class K>
struct SurveyOf {
  using type = None;
};
template <class K>
requires requires {
  typename K::Survey;
}
struct SurveyOf<K> {
  using type = typename K::Survey;
};

template <class K>
class Bound final : public BoundKernel {
  using P = typename K::Params;
  using State = typename StateOf<K>::type;
  using Survey = typename SurveyOf<K>::type;
  static constexpr bool kState = requires { typename K::State; };
  static constexpr bool kSurvey = requires { typename K::Survey; };

  // Calls f(params, [state,] rest...): the state is passed to kernels that have one.
  template <class F, class... A>
  decltype(auto) with_state(const AnyState& state, F&& f, A&&... rest) const {
    if constexpr (kState)
      return f(params_, *static_cast<const State*>(state.get()), std::forward<A>(rest)...);
    else
      return f(params_, std::forward<A>(rest)...);
  }
  template <class F, class... A>
  decltype(auto) with_state_and_survey(const AnyState& state, const AnySurvey& survey, F&& f, A&&... rest) const {
    if constexpr (kSurvey)
      return with_state(state, std::forward<F>(f), *static_cast<const Survey*>(survey.get()), std::forward<A>(rest)...);
    else
      return with_state(state, std::forward<F>(f), std::forward<A>(rest)...);
  }

 public:
  explicit Bound(P params) : params_(std::move(params)) {}

  void check(const Geometry& g) const override {
    if constexpr (requires { kernel_.check(params_, g); }) kernel_.check(params_, g);
  }
  Halo halo(const Grid& grid) const override {
    if constexpr (requires { kernel_.halo(params_, grid); })
      return kernel_.halo(params_, grid);
    else
      return {};
  }
  static constexpr bool kFootprint =
      requires(const K k, const P p, const State s, const Box3 b, const Slice i, const Grid g) {
    k.footprint(p, s, b, i, g);
  }
  || requires(const K k, const P p, const Box3 b, const Slice i, const Grid g) { k.footprint(p, b, i, g); };
  bool has_footprint() const override { return kFootprint; }
  Box3 footprint(const AnyState& state, const Box3& core, const Slice& slice, const Grid& input) const override {
    if constexpr (kFootprint)
      return with_state(
          state, [&](auto&&... a) { return kernel_.footprint(a...); }, core, slice, input);
    else
      return core;
  }
  Grid output_grid(const Geometry& g) const override {
    if constexpr (requires { kernel_.output_grid(params_, g); })
      return kernel_.output_grid(params_, g);
    else
      return g.grid;
  }
  std::size_t scratch_bytes(const Index3& extent) const override {
    if constexpr (requires { kernel_.scratch_bytes(params_, extent); })
      return kernel_.scratch_bytes(params_, extent);
    else
      return 0;
  }
  AnyState prepare(const Geometry& g) const override {
    if constexpr (kState)
      return std::make_shared<const State>(kernel_.prepare(params_, g));
    else
      return nullptr;
  }
  std::vector<SliceGroup> groups(const SliceAxes& axes) const override {
    if constexpr (requires { kernel_.groups(params_, axes); })
      return kernel_.groups(params_, axes);
    else
      return {};
  }
  bool has_survey() const override { return kSurvey; }
  AnySurvey survey(const AnyState& state, const Block& block, Context& ctx) const override {
    if constexpr (kSurvey)
      return std::make_shared<Survey>(with_state(
          state, [&](auto&&... a) { return kernel_.survey(a...); }, block, ctx));
    else
      return nullptr;
  }
  void merge(const AnySurvey& into, const AnySurvey& next) const override {
    if constexpr (kSurvey) kernel_.merge(*static_cast<Survey*>(into.get()), *static_cast<const Survey*>(next.get()));
  }
  std::string encode(const AnySurvey& survey) const override {
    ByteWriter out;
    if constexpr (kSurvey) {
      if constexpr (requires(const Survey s) { s.encode(out); })
        static_cast<const Survey*>(survey.get())->encode(out);
      else
        out.put(*static_cast<const Survey*>(survey.get()));
    }
    return out.take();
  }
  AnySurvey decode(std::string_view bytes) const override {
    if constexpr (kSurvey) {
      ByteReader in(bytes);
      if constexpr (requires { Survey::decode(in); })
        return std::make_shared<Survey>(Survey::decode(in));
      else
        return std::make_shared<Survey>(in.get<Survey>());
    } else {
      return nullptr;
    }
  }
  static constexpr bool kRun = requires { &K::run; };
  bool has_run() const override { return kRun; }
  void run(const AnyState& state, const AnySurvey& survey, const Block& block, Context& ctx) const override {
    if constexpr (kRun)
      with_state_and_survey(
          state, survey, [&](auto&&... a) { kernel_.run(a...); }, block, ctx);
  }
  SmallValues emit(const AnyState& state, const AnySurvey& survey, const Slice& slice) const override {
    if constexpr (requires { &K::emit; })
      return with_state_and_survey(
          state, survey, [&](auto&&... a) { return kernel_.emit(a...); }, slice);
    else
      return {};
  }
  Connectivity connectivity() const override {
    if constexpr (requires { kernel_.connectivity(params_); })
      return kernel_.connectivity(params_);
    else
      return Connectivity::corners;
  }

 private:
  P params_;
  K kernel_{};
};

template <class K>
class Registered final : public AnyKernel {
 public:
  Registered() { K::describe(schema_); }
  const SchemaInfo& schema() const override { return schema_.info(); }
  bool has_scratch_bytes() const override {
    return requires(const K k, typename K::Params p, Index3 e) {
      k.scratch_bytes(p, e);
    };
  }
  std::unique_ptr<BoundKernel> bind(const ParamValues& values) const override {
    auto params = schema_.make(resolve_params(schema_.info(), values));
    if constexpr (requires(const K k) { k.check(params); })
      with_context("kernel '" + schema_.info().name + "'", [&] { K{}.check(params); });
    return std::make_unique<Bound<K>>(std::move(params));
  }

 private:
  KernelSchema<typename K::Params> schema_;
};
}  // namespace detail

/// The type-erased form of K, as its plugin would register it; for tests that call a kernel directly.
template <class K>
std::unique_ptr<AnyKernel> make_kernel() {
  return std::make_unique<detail::Registered<K>>();
}

/// Raised whenever a header of `core` or `sdk` changes what a compiled plugin relies on.
inline constexpr int kSdkAbi = 2;

/// What host and plugin must agree on before anything is called across the boundary. Plain data: read before trusted.
struct PluginStamp {
  int sdk_abi;
  int compiler_major;
  int cxx11_abi;
  int sanitized;
};

constexpr PluginStamp build_stamp() {
  return {
    kSdkAbi, __GNUC__,
#if defined(_GLIBCXX_USE_CXX11_ABI)
        _GLIBCXX_USE_CXX11_ABI,
#else
        0,
#endif
#if defined(__SANITIZE_ADDRESS__)
        1
#else
        0
#endif
  };
}

}  // namespace voxflow

/// Makes the kernel class K the one that this plugin holds.
#define VOXFLOW_KERNEL(K)                                  \
  extern "C" voxflow::PluginStamp voxflow_plugin_stamp() { \
    return voxflow::build_stamp();                         \
  }                                                        \
  extern "C" voxflow::AnyKernel* voxflow_plugin_create() { \
    return voxflow::make_kernel<K>().release();            \
  }
