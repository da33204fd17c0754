// What a kernel declares of itself: ports, axes, parameters, and how it may be cut into blocks. From this one
// declaration come YAML validation, command-line help, the reference page, the JSON Schema and the provenance record.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/core/dtype.hpp"
#include "pipeline/core/geometry.hpp"
#include "pipeline/sdk/value.hpp"

namespace voxflow {

enum class PortKind { image, labels, mask, table, transform, psf };
std::string_view to_string(PortKind k);

/// Image, labels and mask arrive block by block; table, transform and psf arrive whole.
constexpr bool is_volumetric(PortKind k) {
  return k == PortKind::image || k == PortKind::labels || k == PortKind::mask;
}

/// What a block sees outside the volume. `none`: the block's box is clipped to the volume. `mirror`: the volume
/// reflected at its outermost voxels. `extend`: the outermost voxel repeated.
enum class Border { none, mirror, extend };

/// An axis of an image beside z, y and x.
enum class ImageAxis { t, c };
inline constexpr ImageAxis t = ImageAxis::t;
inline constexpr ImageAxis c = ImageAxis::c;

/// How results depend on the block grid. `exact`: not at all. `within`: by at most a declared tolerance; the grid is
/// part of the task key. `volume`: the whole volume in one process, with threads. `components`: labels of blocks, which
/// the framework merges across faces, edges and corners and renumbers by first voxel. `external`: a command outside.
enum class Blockwise { exact, within, volume, components, external };
std::string_view to_string(Blockwise b);

/// Which voxels of a 3×3×3 neighbourhood touch its centre.
enum class Connectivity { faces = 6, edges = 18, corners = 26 };

/// What the kernel does with NaN voxels; every kernel with an image input states one.
enum class NanPolicy { propagates, ignored, refused };
std::string_view to_string(NanPolicy p);

/// A port's kind and, for images, its voxel type.
struct PortType {
  PortKind kind = PortKind::image;
  std::optional<DType> dtype;  // image outputs: nothing means "as the input named in same_as"
  std::string same_as;
};
inline const PortType any_real{PortKind::image, {}, {}};
inline const PortType float_image{PortKind::image, DType::float32, {}};
inline const PortType labels{PortKind::labels, DType::uint32, {}};
inline const PortType mask{PortKind::mask, DType::uint8, {}};
inline const PortType table{PortKind::table, {}, {}};
inline const PortType transform{PortKind::transform, {}, {}};
inline const PortType psf{PortKind::psf, {}, {}};
/// An output of the same kind and voxel type as the named input.
inline PortType same_as(std::string input) {
  return {PortKind::image, {}, std::move(input)};
}

struct PortInfo {
  std::string name;
  PortType type;
  Border border = Border::none;
  bool optional = false;
  std::string doc;
};

struct ParamInfo {
  std::string name;  // dotted when grouped
  ParamType type{};
  std::string unit;
  std::string doc;
  bool optional = false;  // may be left unset, and is then monostate
  ParamValue default_value;
  std::optional<double> low, high;  // inclusive, in `unit`
  std::vector<std::string> choices;
  std::size_t length = 0;  // of `numbers`
  std::string annotation;  // of the image, used when the workflow does not set the parameter; "" for none
};

/// A kernel's declaration, free of its C++ types.
struct SchemaInfo {
  std::string name;  // "family.name"
  int version = 0;
  std::string summary;
  std::vector<std::string> sources;  // DOI or citation of the method
  std::vector<PortInfo> inputs, outputs;
  std::vector<ParamInfo> params;
  bool all_t = false, all_c = false;  // one call sees all timepoints (channels); otherwise it is called for each
  bool in_groups = false;             // it surveys groups of slices, one at a time
  Blockwise blockwise = Blockwise::exact;
  double tolerance = 0;                 // of `within`: largest difference, relative to the largest voxel of the result
  Index block_voxels = Index{2} << 20;  // that a core has at most, unless a wide halo asks for more
  std::optional<NanPolicy> nan_policy;
  std::vector<std::string> command;  // of `external`

  const PortInfo* input(std::string_view port) const;
  const PortInfo* output(std::string_view port) const;
  const ParamInfo* param(std::string_view param) const;
  /// What is missing or contradictory in the declaration ("parameter 'radius' has no range"); empty when it is
  /// complete.
  std::vector<std::string> defects() const;
};

/// Checks one value against its declaration. Nothing when it fits, else what is allowed, as in
/// "radius is 40 um, allowed 0.05 um to 5 um".
std::optional<std::string> check_value(const ParamInfo& info, const ParamValue& value);

/// `given` checked and completed with the defaults. Throws UserError with every problem.
ParamValues resolve_params(const SchemaInfo& schema, const ParamValues& given);

/// Builds a SchemaInfo together with the accessors of the parameter struct P.
template <class P>
class KernelSchema {
 public:
  class PortBuilder {
   public:
    explicit PortBuilder(PortInfo& p) : port_(p) {}
    PortBuilder& border(Border b) { return port_.border = b, *this; }
    PortBuilder& optional() { return port_.optional = true, *this; }
    PortBuilder& doc(std::string text) { return port_.doc = std::move(text), *this; }

   private:
    PortInfo& port_;
  };

  template <class M>
  class ParamBuilder {
   public:
    explicit ParamBuilder(ParamInfo& p) : param_(p) {}
    template <class T>
    ParamBuilder& range(T low, T high) {
      param_.low = number(low), param_.high = number(high);
      return *this;
    }
    ParamBuilder& choices(std::vector<std::string> names) {
      param_.type = ParamType::choice;
      return param_.choices = std::move(names), *this;
    }
    ParamBuilder& doc(std::string text) { return param_.doc = std::move(text), *this; }
    /// Taken from this annotation of the image (or channel) when the workflow does not set it.
    ParamBuilder& from_annotation(std::string key) { return param_.annotation = std::move(key), *this; }

   private:
    template <class T>
    static double number(T v) {
      const ParamValue x = ParamTraits<T>::to(v);
      return std::holds_alternative<std::int64_t>(x) ? static_cast<double>(std::get<std::int64_t>(x))
                                                     : std::get<double>(x);
    }
    ParamInfo& param_;
  };

  /// Declares the members of a nested struct as "group.member".
  template <class G>
  class GroupBuilder {
   public:
    GroupBuilder(KernelSchema& s, G P::*group, std::string name) : schema_(s), group_(group), name_(std::move(name)) {}
    template <class M>
    ParamBuilder<M> param(M G::*member, const std::string& name) {
      return schema_.add<M>(name_ + "." + name, [g = group_, member](P& p) -> M& { return (p.*g).*member; });
    }

   private:
    KernelSchema& schema_;
    G P::*group_;
    std::string name_;
  };

  KernelSchema& name(std::string v) { return info_.name = std::move(v), *this; }
  KernelSchema& version(int v) { return info_.version = v, *this; }
  KernelSchema& summary(std::string v) { return info_.summary = std::move(v), *this; }
  KernelSchema& source(std::string doi) { return info_.sources.push_back(std::move(doi)), *this; }
  KernelSchema& nan(NanPolicy p) { return info_.nan_policy = p, *this; }

  PortBuilder input(std::string port, PortType type) {
    return add_port(info_.inputs, std::move(port), std::move(type));
  }
  PortBuilder output(std::string port, PortType type) {
    return add_port(info_.outputs, std::move(port), std::move(type));
  }

  template <class M>
  ParamBuilder<M> param(M P::*member, const std::string& name) {
    return add<M>(name, [member](P& p) -> M& { return p.*member; });
  }
  template <class G>
  GroupBuilder<G> group(G P::*member, std::string name) {
    return {*this, member, std::move(name)};
  }

  /// Called once for each value of these axes (the default: each timepoint and channel).
  template <class... A>
  KernelSchema& each(A... axes) {
    ((axes == ImageAxis::t ? info_.all_t = false : info_.all_c = false), ...);
    return *this;
  }
  /// One call sees all values of these axes, as slices of its ports.
  template <class... A>
  KernelSchema& all(A... axes) {
    ((axes == ImageAxis::t ? info_.all_t = true : info_.all_c = true), ...);
    return *this;
  }
  /// `survey` is called for each group of slices that the kernel's `groups` names, so that never all are in memory. The
  /// kernel is `volume`, sees all of t and c, has one volumetric input, and puts out no voxels.
  KernelSchema& in_groups() { return info_.in_groups = true, *this; }
  KernelSchema& blockwise(Blockwise b) { return info_.blockwise = b, *this; }
  /// Blocks against whole differ by at most `tolerance`, relative to the largest voxel of the result.
  KernelSchema& blockwise_within(double tolerance) {
    info_.blockwise = Blockwise::within, info_.tolerance = tolerance;
    return *this;
  }
  /// Cores have at most so many voxels, unless a wide halo asks for more (2 Mi by default). More of them for a kernel
  /// whose footprint is wide: blocks then read less of what their neighbours read, too, and take more memory.
  KernelSchema& block_voxels(Index voxels) { return info_.block_voxels = voxels, *this; }
  KernelSchema& external(std::vector<std::string> command) {
    info_.blockwise = Blockwise::external, info_.command = std::move(command);
    return *this;
  }

  const SchemaInfo& info() const { return info_; }
  /// Defaults overwritten by `values`, which must have been checked.
  P make(const ParamValues& values) const {
    P p{};
    for (const auto& [name, set] : setters_)
      if (const auto it = values.find(name); it != values.end()) set(p, it->second);
    return p;
  }

 private:
  static PortBuilder add_port(std::vector<PortInfo>& ports, std::string name, PortType type) {
    ports.reserve(16);
    ports.push_back({std::move(name), std::move(type), Border::none, false, {}});
    return PortBuilder(ports.back());
  }
  template <class M, class Access>
  ParamBuilder<M> add(const std::string& name, Access access) {
    P defaults{};
    info_.params.reserve(64);
    ParamInfo& info = info_.params.emplace_back();
    info.name = name;
    info.type = ParamTraits<M>::type;
    info.unit = ParamTraits<M>::unit;
    info.optional = kIsOptional<M>;
    info.default_value = ParamTraits<M>::to(access(defaults));
    info.length = kFixedLength<M>;
    setters_.emplace_back(name, [access](P& p, const ParamValue& v) { access(p) = ParamTraits<M>::from(v); });
    return ParamBuilder<M>(info);
  }

  SchemaInfo info_;
  std::vector<std::pair<std::string, std::function<void(P&, const ParamValue&)>>> setters_;
};

}  // namespace voxflow
