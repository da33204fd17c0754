// The HDF5 file driver of files being written; private to this room. HDF5 1.10 does not survive a full disk: a file
// whose last flush fails stays half open, and the process crashes when the library ends. So this driver tells the
// library that all is well, keeps what no longer fits in memory, and tells the writer what the system said.
#pragma once
#include <hdf5.h>

namespace voxflow::archive::hdf5 {

/// errno of the first write that failed, 0 while none has. Must outlive the file.
struct WriteFailure {
  int error = 0;
};

/// Makes files that are opened with `access` be written by this driver, which tells of failures in `failure`. Call
/// under Lock. Negative on error, as HDF5's own functions.
herr_t set_write_driver(hid_t access, WriteFailure& failure);

}  // namespace voxflow::archive::hdf5
