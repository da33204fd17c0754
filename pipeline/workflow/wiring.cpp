#include "pipeline/workflow/wiring.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "pipeline/core/text.hpp"

namespace voxflow::workflow {

namespace {
/// An output that is like an input has that input's kind.
PortKind kind_of(const SchemaInfo& kernel, const PortInfo& port) {
  const PortInfo* like = kernel.input(port.type.same_as);
  return like == nullptr ? port.type.kind : like->type.kind;
}

std::vector<std::string> port_names(const std::vector<PortInfo>& ports) {
  std::vector<std::string> names;
  for (const PortInfo& p : ports) names.push_back(p.name);
  return names;
}

class Wiring {
 public:
  Wiring(Reader& reader, std::vector<Draft>& drafts, const Workflow& workflow)
      : reader_(reader), drafts_(drafts), workflow_(workflow) {
    sources_.push_back("image");
    for (const auto& [name, reference] : workflow.references) sources_.push_back(name);
    for (const Draft& d : drafts) sources_.push_back(d.step.name);
  }

  std::vector<Step> run() {
    for (Draft& d : drafts_) {
      const std::string what = fmt::format("step '{}'", d.step.name);
      read_inputs(d, what);
      if (d.kernel != nullptr) missing_inputs(d, what);
    }
    for (const auto& [name, reference] : workflow_.references)
      if (!used_.contains(name))
        reader_.problem(reference.mark,
                        fmt::format("no step reads the reference '{}'; use it as an input, or remove it", name));
    return in_order();
  }

 private:
  void read_inputs(Draft& d, const std::string& what) {
    const YamlNode* one = d.body->find("input");
    const YamlNode* many = d.body->find("inputs");
    if (one != nullptr && many != nullptr)
      reader_.problem(one->mark, fmt::format("{} has both 'input' and 'inputs'; put all into 'inputs'", what));
    if (one != nullptr) {
      const PortInfo* first = first_required(d.kernel);
      if (d.kernel != nullptr && first == nullptr)
        reader_.problem(one->mark,
                        fmt::format("kernel '{}' needs no input; name the port in 'inputs'", d.kernel->name));
      else
        connect(d, first == nullptr ? "" : first->name, *one, what);
    }
    if (many == nullptr || !reader_.is_map(*many, "inputs of " + what)) return;
    reader_.check_keys(*many, "inputs of " + what, {});
    for (const auto& [port, from] : many->entries) {
      if (d.kernel != nullptr && d.kernel->input(port.text) == nullptr) {
        const auto ports = port_names(d.kernel->inputs);
        reader_.problem(
            port.mark,
            fmt::format("kernel '{}' has no input '{}'{}", d.kernel->name, port.text, did_you_mean(port.text, ports)),
            "its inputs: " + join(ports, ", "));
      }
      connect(d, port.text, from, what);
    }
  }

  static const PortInfo* first_required(const SchemaInfo* kernel) {
    if (kernel == nullptr) return nullptr;
    const auto it =
        std::find_if(kernel->inputs.begin(), kernel->inputs.end(), [](const PortInfo& p) { return !p.optional; });
    return it == kernel->inputs.end() ? nullptr : &*it;
  }

  void connect(Draft& d, const std::string& port, const YamlNode& node, const std::string& what) {
    const auto source =
        reader_.text(node, port.empty() ? "input of " + what : fmt::format("input '{}' of {}", port, what));
    if (!source) return;
    const auto dot = source->find('.');
    StepInput input;
    input.port = port;
    input.name = source->substr(0, dot);
    input.output_port = dot == std::string::npos ? "" : source->substr(dot + 1);
    input.mark = node.mark;
    if (input.name == "image") {
      from_image(d, input, StepInput::From::image, workflow_.select, "the selected image");
    } else if (const auto r = workflow_.references.find(input.name); r != workflow_.references.end()) {
      used_.insert(input.name);
      from_image(d, input, StepInput::From::reference, r->second.select, fmt::format("reference '{}'", input.name));
    } else {
      from_step(d, input, what);
    }
  }

  void from_image(Draft& d, StepInput& input, StepInput::From from, const catalog::query::Query& query,
                  const std::string& source) {
    if (!input.output_port.empty() && input.output_port != "image")
      return reader_.problem(input.mark,
                             fmt::format("{} has no output '{}'; write '{}'", source, input.output_port, input.name));
    input.from = from;
    if (input.output_port.empty() && finds_acquisitions_only(query)) input.output_port = "image";
    const PortInfo* port = d.kernel == nullptr ? nullptr : d.kernel->input(input.port);
    if (port != nullptr && finds_acquisitions_only(query) && port->type.kind != PortKind::image)
      misfit(d, input, source, PortKind::image, port->type.kind);
    d.step.inputs.push_back(input);
  }

  void from_step(Draft& d, StepInput& input, const std::string& what) {
    const auto found =
        std::find_if(drafts_.begin(), drafts_.end(), [&](const Draft& other) { return other.step.name == input.name; });
    if (found == drafts_.end())
      return reader_.problem(input.mark,
                             fmt::format("{} reads '{}', which is neither a step nor a reference{}", what, input.name,
                                         did_you_mean(input.name, sources_)),
                             "there are: " + join(sources_, ", "));
    input.from = StepInput::From::step;
    const PortInfo* output = found->kernel == nullptr ? nullptr : output_of(*found, input);
    const PortInfo* port = d.kernel == nullptr ? nullptr : d.kernel->input(input.port);
    if (output != nullptr) {
      input.output_port = output->name;
      const PortKind kind = kind_of(*found->kernel, *output);
      if (port != nullptr && kind != port->type.kind)
        misfit(d, input, fmt::format("step '{}'", input.name), kind, port->type.kind);
    }
    d.step.inputs.push_back(input);
  }

  const PortInfo* output_of(const Draft& from, const StepInput& input) {
    const auto ports = port_names(from.kernel->outputs);
    if (input.output_port.empty()) {
      if (ports.size() == 1) return &from.kernel->outputs.front();
      std::vector<std::string> ways;
      for (const std::string& p : ports) ways.push_back(input.name + "." + p);
      reader_.problem(input.mark,
                      fmt::format("step '{}' has {} outputs; write {}", input.name, ports.size(), join(ways, " or ")));
      return nullptr;
    }
    const PortInfo* output = from.kernel->output(input.output_port);
    if (output == nullptr)
      reader_.problem(input.mark,
                      fmt::format("step '{}' ({}) has no output '{}'{}", input.name, from.kernel->name,
                                  input.output_port, did_you_mean(input.output_port, ports)),
                      "its outputs: " + join(ports, ", "));
    return output;
  }

  void misfit(const Draft& d, const StepInput& input, const std::string& source, PortKind is, PortKind wanted) {
    std::vector<std::string> fitting;
    if (wanted == PortKind::image) fitting.push_back("image");
    for (const Draft& other : drafts_)
      if (other.kernel != nullptr && other.step.name != d.step.name)
        for (const PortInfo& o : other.kernel->outputs)
          if (kind_of(*other.kernel, o) == wanted)
            fitting.push_back(other.kernel->outputs.size() == 1 ? other.step.name : other.step.name + "." + o.name);
    const std::string kind(to_string(wanted));
    reader_.problem(input.mark,
                    fmt::format("input '{}' of step '{}' is of kind {}, but {} gives {}", input.port, d.step.name, kind,
                                source, to_string(is)),
                    fitting.empty() ? fmt::format("no step gives {}; add one that does", kind)
                                    : fmt::format("of kind {}: {}", kind, join(fitting, ", ")));
  }

  void missing_inputs(const Draft& d, const std::string& what) {
    for (const PortInfo& p : d.kernel->inputs) {
      const bool given =
          std::any_of(d.step.inputs.begin(), d.step.inputs.end(), [&](const StepInput& i) { return i.port == p.name; });
      if (!p.optional && !given && !tried(d, p.name))
        reader_.problem(d.step.mark,
                        fmt::format("{} has no input '{}' of kind {}, which kernel '{}' needs", what, p.name,
                                    to_string(p.type.kind), d.kernel->name),
                        fmt::format("write, for example, inputs: {{ {}: image }}", p.name));
    }
  }

  /// The file names this port, with something that was already found to be wrong.
  static bool tried(const Draft& d, const std::string& port) {
    const YamlNode* many = d.body->find("inputs");
    const PortInfo* first = first_required(d.kernel);
    return (many != nullptr && many->find(port) != nullptr) ||
           (d.body->find("input") != nullptr && first != nullptr && first->name == port);
  }

  std::vector<Step> in_order() {
    std::vector<Step> order;
    std::set<std::string> placed;
    const auto ready = [&](const Step& s) {
      return std::all_of(s.inputs.begin(), s.inputs.end(), [&](const StepInput& i) {
        return i.from != StepInput::From::step || placed.contains(i.name);
      });
    };
    for (bool progress = true; progress;) {
      progress = false;
      for (const Draft& d : drafts_)
        if (!placed.contains(d.step.name) && ready(d.step)) {
          order.push_back(d.step);
          placed.insert(d.step.name);
          progress = true;
        }
    }
    report_circle(placed);
    return order;
  }

  void report_circle(const std::set<std::string>& placed) {
    const auto start =
        std::find_if(drafts_.begin(), drafts_.end(), [&](const Draft& d) { return !placed.contains(d.step.name); });
    if (start == drafts_.end()) return;
    std::vector<std::string> path;
    const Step* at = &start->step;
    while (std::find(path.begin(), path.end(), at->name) == path.end()) {
      path.push_back(at->name);
      const auto next = std::find_if(at->inputs.begin(), at->inputs.end(), [&](const StepInput& i) {
        return i.from == StepInput::From::step && !placed.contains(i.name);
      });
      at = &std::find_if(drafts_.begin(), drafts_.end(), [&](const Draft& d) {
              return d.step.name == next->name;
            })->step;
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), at->name));
    path.push_back(at->name);
    reader_.problem(at->mark, path.size() == 2
                                  ? fmt::format("step '{}' reads its own output", at->name)
                                  : fmt::format("steps read each other in a circle: {}", join(path, " <- ")));
  }

  Reader& reader_;
  std::vector<Draft>& drafts_;
  const Workflow& workflow_;
  std::vector<std::string> sources_;
  std::set<std::string> used_;
};
}  // namespace

std::vector<Step> wire(Reader& reader, std::vector<Draft>& drafts, const Workflow& workflow) {
  return Wiring(reader, drafts, workflow).run();
}

bool finds_acquisitions_only(const catalog::query::Query& query) {
  using namespace catalog::query;
  const auto fixes_kind = [](const NodePtr& node) {
    const auto* c = node == nullptr ? nullptr : std::get_if<Comparison>(&node->what);
    if (c == nullptr || c->field != "kind" || c->compare != Compare::equal) return false;
    const auto* kind = std::get_if<std::string>(&c->value);
    return kind != nullptr && *kind == "acquisition";
  };
  const auto names = fields(query);
  if (std::find(names.begin(), names.end(), "kind") == names.end()) return true;
  if (fixes_kind(query.root)) return true;
  const auto* all = std::get_if<And>(&query.root->what);
  return all != nullptr && std::any_of(all->operands.begin(), all->operands.end(), fixes_kind);
}

}  // namespace voxflow::workflow
