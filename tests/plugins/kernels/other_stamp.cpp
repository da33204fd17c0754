// A plugin built against another SDK; it must be refused before its kernel is made.
#include <cstdlib>

#include "pipeline/sdk/kernel.hpp"

extern "C" voxflow::PluginStamp voxflow_plugin_stamp() {
  voxflow::PluginStamp stamp = voxflow::build_stamp();
  stamp.sdk_abi += 41;
  return stamp;
}

extern "C" voxflow::AnyKernel* voxflow_plugin_create() {
  std::abort();
}
