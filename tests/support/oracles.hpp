// Other programs that read what voxflow writes: Python with tifffile, ImageJ, and JHDF5, by which
// BigDataViewer and Bio-Formats read HDF5. Tests skip where they are absent.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace voxflow::test {

/// What the Python program prints, run with tifffile and numpy at hand on `arguments`; nothing, and a message, where
/// they are not installed. What it says on failing is returned, so that a comparison shows it.
std::optional<std::string> python_says(const std::string& program, const std::vector<std::string>& arguments);

/// What the BeanShell program prints that ImageJ's classes are at hand for; bsh.args are the `arguments`. Nothing, and
/// a message, where Java, ImageJ (libij-java) or BeanShell (bsh) is not installed.
std::optional<std::string> imagej_says(const std::string& program, const std::vector<std::string>& arguments);

/// What a Java program of one file prints that has ImageJ and JHDF5 at hand, run without a screen. Nothing, and a
/// message, where the Java compiler or one of them is not installed.
std::optional<std::string> java_says(const std::filesystem::path& program, const std::vector<std::string>& arguments);

}  // namespace voxflow::test
