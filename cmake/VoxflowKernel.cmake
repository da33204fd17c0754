# voxflow_add_kernel(FAMILY NAME SOURCES ... [LIBRARIES ...] [PRECOMPILE headers] [FOLDER folder])
# builds the plugin voxflow_kernel_FAMILY_NAME.so for the kernel 'FAMILY.NAME' where the registry finds it. With FOLDER the
# plugin goes there instead and is not installed: test kernels and examples. The global property VOXFLOW_SHIPPED_KERNELS
# lists the targets of the others, for tests that load them.
function(voxflow_add_kernel family name)
  cmake_parse_arguments(KERNEL "" "FOLDER" "SOURCES;LIBRARIES;PRECOMPILE" ${ARGN})
  if(NOT KERNEL_SOURCES)
    message(FATAL_ERROR "voxflow_add_kernel(${family} ${name}): SOURCES is empty")
  endif()
  set(target voxflow_kernel_${family}_${name})
  set(folder ${VOXFLOW_KERNEL_DIRECTORY})
  if(KERNEL_FOLDER)
    set(folder ${KERNEL_FOLDER})
  endif()
  add_library(${target} MODULE ${KERNEL_SOURCES})
  set_target_properties(${target} PROPERTIES PREFIX ""
    LIBRARY_OUTPUT_DIRECTORY ${folder}
    INSTALL_RPATH "$ORIGIN/../..")
  target_link_libraries(${target} PRIVATE voxflow::sdk ${KERNEL_LIBRARIES})
  if(KERNEL_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${KERNEL_PRECOMPILE})
  endif()
  if(NOT KERNEL_FOLDER)
    set_property(GLOBAL APPEND PROPERTY VOXFLOW_SHIPPED_KERNELS ${target})
    install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/voxflow/kernels)
  endif()
endfunction()
