#include "tests/run/test_kernels.hpp"

VOXFLOW_KERNEL(voxflow::test::Scale)
