#include "pipeline/plugins/reference.hpp"

#include <doctest/doctest.h>

#include "pipeline/sdk/kernel.hpp"

namespace {
using namespace voxflow;

struct Example {
  struct Optics {
    double numerical_aperture = 1.3;
    std::string model = "gaussian";
  };
  struct Params {
    Micrometres radius{0.3};
    std::optional<double> weight;
    Optics psf;
    std::array<Micrometres, 3> shift{};
  };
  static void describe(KernelSchema<Params>& k) {
    k.name("test.example").version(4).summary("An example.").source("doi:10.1000/1").nan(NanPolicy::ignored);
    k.input("image", any_real).border(Border::mirror).doc("To be changed.");
    k.input("labels", labels).optional().doc("Where.");
    k.output("image", same_as("image")).doc("Changed.");
    k.param(&Params::radius, "radius").range(Micrometres{0.05}, Micrometres{5}).doc("Half-width.");
    k.param(&Params::weight, "weight").range(0.0, 1.0).doc("Weight.").from_annotation("weight");
    auto psf = k.group(&Params::psf, "psf");
    psf.param(&Optics::numerical_aperture, "numerical_aperture").range(0.1, 1.7).doc("Aperture.");
    psf.param(&Optics::model, "model").choices({"gaussian", "measured"}).doc("Model.");
    k.param(&Params::shift, "shift").range(Micrometres{-9}, Micrometres{9}).doc("Shift.");
    k.all(c).blockwise_within(0.001);
  }
  void run(const Params&, const Block&, Context&) const {}
};
}  // namespace

TEST_CASE("the reference page is made from the declaration alone") {
  CHECK(plugins::reference_page(make_kernel<Example>()->schema()) == R"(# test.example

An example.

Version 4. Source: doi:10.1000/1.

## Inputs

| port | kind | border | meaning |
|---|---|---|---|
| `image` | image | mirrored at the outermost voxels | To be changed. |
| `labels` | labels, optional | clipped to the volume | Where. |

## Outputs

| port | kind | meaning |
|---|---|---|
| `image` | as `image` | Changed. |

## Parameters

| name | default | allowed | meaning |
|---|---|---|---|
| `radius` | `0.3 um` | 0.05 um to 5 um | Half-width. |
| `weight` | the image's annotation `weight`, else unset | 0 to 1 | Weight. |
| `psf.numerical_aperture` | `1.3` | 0.1 to 1.7 | Aperture. |
| `psf.model` | `gaussian` | `gaussian`, `measured` | Model. |
| `shift` | `[0 um, 0 um, 0 um]` | 3 values, z-y-x, each -9 um to 9 um | Shift. |

## Behaviour

- Called for each timepoint, with all channels.
- The result depends on the block grid by at most 0.001 of its largest voxel; the grid is part of the task key.
- NaN voxels are left out.

## In a workflow

```yaml
steps:
  example:
    kernel: test.example
    inputs: { image: image, labels: some_step }
    params:
      radius: 0.3 um
      psf:
        numerical_aperture: 1.3
        model: gaussian
      shift: [0 um, 0 um, 0 um]
```
)");
}
