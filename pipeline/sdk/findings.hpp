// What a kernel found out about an image and worked with, beside what it puts out: noise, blur, thresholds.
#pragma once

namespace voxflow {

/// The name under which any kernel's `emit` may return a Table of them: one row for the call, a column for each, named
/// as the parameter that it stands for. It is kept with the result, as findings.tsv, and shown by `voxflow show`. It
/// has no part in content digests, but has to be the same for any ranks, threads and blocks, as all that is emitted.
inline constexpr const char* kFindings = "findings";

}  // namespace voxflow
