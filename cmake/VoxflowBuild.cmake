# Compiler settings, dependencies and the two helpers by which every room declares its target.
include(GNUInstallDirs)
include(CMakeDependentOption)

option(VOXFLOW_BUILD_TESTS "Build the tests" ON)
option(VOXFLOW_WARNINGS_AS_ERRORS "Treat warnings as errors (on in CI)" OFF)
set(VOXFLOW_SANITIZE "" CACHE STRING "Sanitizers to build with, as for -fsanitize= (empty: none)")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET default)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(VOXFLOW_KERNEL_DIRECTORY ${CMAKE_BINARY_DIR}/lib/voxflow/kernels)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")

find_program(VOXFLOW_CCACHE ccache)
if(VOXFLOW_CCACHE)
  # With a base folder, checkouts of the same sources at different places share what ccache keeps; without the sloppiness
  # it keeps nothing that is compiled with a precompiled header.
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
    CCACHE_SLOPPINESS=pch_defines,time_macros ${VOXFLOW_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(TIFF REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
pkg_check_modules(FFTW3F REQUIRED IMPORTED_TARGET fftw3f)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(LIBDEFLATE REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(MINIZIP REQUIRED IMPORTED_TARGET minizip)
pkg_check_modules(PUGIXML REQUIRED IMPORTED_TARGET pugixml)
# The serial flavour, and only that: two HDF5 libraries in one process corrupt each other (docs/architecture.md).
pkg_check_modules(HDF5_SERIAL REQUIRED IMPORTED_TARGET hdf5-serial)

# x86-64-v3 and no contraction: the promise of equal content digests on every machine stands on both.
# -Wrestrict misfires on std::string in g++ 12 (GCC bug 105651).
add_library(voxflow_build INTERFACE)
target_compile_options(voxflow_build INTERFACE -march=x86-64-v3 -ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow
  -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual -Wno-restrict
  $<$<BOOL:${VOXFLOW_WARNINGS_AS_ERRORS}>:-Werror>)
target_include_directories(voxflow_build INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
if(VOXFLOW_SANITIZE)
  # g++ 12 takes what the sanitizers add for uses of uninitialised values.
  target_compile_options(voxflow_build INTERFACE -fsanitize=${VOXFLOW_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=undefined -Wno-maybe-uninitialized)
  target_link_options(voxflow_build INTERFACE -fsanitize=${VOXFLOW_SANITIZE})
endif()

# voxflow_check_headers(TARGET LIBRARIES ...)
# Compiles each header of this folder on its own, so that none needs another one included before it.
function(voxflow_check_headers target)
  cmake_parse_arguments(CHECK "" "" "LIBRARIES" ${ARGN})
  if(NOT VOXFLOW_BUILD_TESTS)
    return()
  endif()
  file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/*.hpp)
  set(sources)
  foreach(header ${headers})
    string(MAKE_C_IDENTIFIER ${header} file)
    file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/headers/${file}.cpp CONTENT "#include \"${header}\"\n")
    list(APPEND sources ${CMAKE_CURRENT_BINARY_DIR}/headers/${file}.cpp)
  endforeach()
  if(sources)
    add_library(${target}_headers OBJECT ${sources})
    target_link_libraries(${target}_headers PRIVATE voxflow_build ${CHECK_LIBRARIES})
    target_compile_options(${target}_headers PRIVATE -O0)
  endif()
endfunction()

# voxflow_install_room(NAME)
# Installs a room's library and headers: `core` and `sdk`, the stable interface.
function(voxflow_install_room name)
  install(TARGETS voxflow_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/voxflow/pipeline/${name}
    FILES_MATCHING PATTERN "*.hpp")
endfunction()

# voxflow_add_room(NAME [SHARED] SOURCES ... [PUBLIC ...] [PRIVATE ...])
# A room is one library, target voxflow_NAME with alias voxflow::NAME.
function(voxflow_add_room name)
  cmake_parse_arguments(ROOM "SHARED" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  if(ROOM_SHARED)
    add_library(voxflow_${name} SHARED ${ROOM_SOURCES})
  else()
    add_library(voxflow_${name} STATIC ${ROOM_SOURCES})
  endif()
  add_library(voxflow::${name} ALIAS voxflow_${name})
  target_link_libraries(voxflow_${name} PRIVATE ${ROOM_PRIVATE} PUBLIC voxflow_build ${ROOM_PUBLIC})
  voxflow_check_headers(voxflow_${name} LIBRARIES ${ROOM_PUBLIC} ${ROOM_PRIVATE})
endfunction()
