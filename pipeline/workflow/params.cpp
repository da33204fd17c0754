#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"
#include "pipeline/workflow/reading.hpp"

namespace voxflow::workflow {

namespace {
std::optional<std::int64_t> integer(Reader& reader, const YamlNode& node, const std::string& what) {
  const std::string_view digits = trim(node.text);
  std::int64_t v = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), v);
  if (node.kind == YamlNode::Kind::scalar && ec == std::errc{} && end == digits.data() + digits.size()) return v;
  reader.problem(node.mark, fmt::format("{} is {}; a whole number is wanted", what, Reader::shown(node)));
  return std::nullopt;
}

std::optional<ParamValue> numbers(Reader& reader, const YamlNode& node, const ParamInfo& info,
                                  const std::string& what) {
  const auto values = [&](std::size_t n) {
    std::vector<std::string> one(n, info.unit.empty() ? "1" : "1 " + info.unit);
    return fmt::format("[{}]", join(one, ", "));
  };
  if (node.kind != YamlNode::Kind::list || (info.length > 0 && node.items.size() != info.length)) {
    const std::string found =
        node.kind == YamlNode::Kind::list ? fmt::format("a list of {}", node.items.size()) : Reader::shown(node);
    reader.problem(node.mark, fmt::format("{} is {}; a list of {} is wanted, such as {}", what, found, info.length,
                                          values(info.length)));
    return std::nullopt;
  }
  std::vector<double> list;
  for (const YamlNode& item : node.items)
    if (const auto v = reader.quantity(item, what, info.unit)) list.push_back(*v);
  if (list.size() != node.items.size()) return std::nullopt;
  return list;
}

template <class T>
std::optional<ParamValue> as_value(const std::optional<T>& v) {
  return v ? std::optional<ParamValue>(*v) : std::nullopt;
}

std::optional<ParamValue> value(Reader& reader, const YamlNode& node, const ParamInfo& info, const std::string& what) {
  if (node.kind == YamlNode::Kind::null && info.optional) return ParamValue{};
  switch (info.type) {
    case ParamType::boolean:
      return as_value(reader.boolean(node, what));
    case ParamType::integer:
      return as_value(integer(reader, node, what));
    case ParamType::number:
      return as_value(reader.quantity(node, what, info.unit));
    case ParamType::numbers:
      return numbers(reader, node, info, what);
    default:
      return as_value(reader.text(node, what));
  }
}

class ParamsReader {
 public:
  ParamsReader(Reader& reader, const SchemaInfo& kernel, const std::string& what)
      : reader_(reader), kernel_(kernel), what_(what) {
    for (const ParamInfo& p : kernel.params) names_.push_back(p.name);
  }

  void read(const YamlNode& map, const std::string& prefix) {
    reader_.check_keys(map, prefix.empty() ? fmt::format("params of {}", what_) : fmt::format("{}: {}", what_, prefix),
                       {});
    for (const auto& [key, node] : map.entries) {
      if (key.kind != YamlNode::Kind::scalar) continue;
      const std::string name = prefix.empty() ? key.text : prefix + "." + key.text;
      if (const ParamInfo* info = kernel_.param(name))
        set(*info, node);
      else if (is_group(name))
        group(name, node);
      else
        reader_.problem(
            key.mark,
            fmt::format("kernel '{}' has no parameter '{}'{}", kernel_.name, name, did_you_mean(name, names_)),
            names_.empty() ? "it has no parameters" : "its parameters: " + join(names_, ", "));
    }
  }

  ParamValues take() { return std::move(values_); }

 private:
  bool is_group(const std::string& name) const {
    return std::any_of(names_.begin(), names_.end(), [&](const std::string& n) { return n.starts_with(name + "."); });
  }

  void group(const std::string& name, const YamlNode& node) {
    if (node.kind == YamlNode::Kind::map) return read(node, name);
    std::vector<std::string> members;
    for (const std::string& n : names_)
      if (n.starts_with(name + ".")) members.push_back(n.substr(name.size() + 1));
    reader_.problem(node.mark,
                    fmt::format("{}: {} is {}; it is a group of parameters, such as {}: {{ {}: … }}", what_, name,
                                Reader::shown(node), name, members.front()),
                    fmt::format("its parameters: {}", join(members, ", ")));
  }

  void set(const ParamInfo& info, const YamlNode& node) {
    const auto v = value(reader_, node, info, fmt::format("{}: {}", what_, info.name));
    if (!v) return;
    if (values_.contains(info.name))
      reader_.problem(node.mark, fmt::format("{}: {} is set twice", what_, info.name));
    else if (const auto misfit = check_value(info, *v))
      reader_.problem(node.mark, fmt::format("{}: {}", what_, *misfit));
    else
      values_[info.name] = *v;
  }

  Reader& reader_;
  const SchemaInfo& kernel_;
  const std::string& what_;
  std::vector<std::string> names_;
  ParamValues values_;
};
}  // namespace

ParamValues read_params(Reader& reader, const YamlNode& map, const SchemaInfo& kernel, const std::string& what) {
  if (!reader.is_map(map, fmt::format("params of {}", what))) return {};
  ParamsReader params(reader, kernel, what);
  params.read(map, "");
  return params.take();
}

}  // namespace voxflow::workflow
