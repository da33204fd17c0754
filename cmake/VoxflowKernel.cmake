# voxflow_add_kernel(FAMILY NAME SOURCES ... [LIBRARIES ...] [PRECOMPILE headers])
# builds the plugin voxflow_kernel_FAMILY_NAME.so for the kernel 'FAMILY.NAME' where the registry finds it.
function(voxflow_add_kernel family name)
  cmake_parse_arguments(KERNEL "" "" "SOURCES;LIBRARIES;PRECOMPILE" ${ARGN})
  if(NOT KERNEL_SOURCES)
    message(FATAL_ERROR "voxflow_add_kernel(${family} ${name}): SOURCES is empty")
  endif()
  set(target voxflow_kernel_${family}_${name})
  add_library(${target} MODULE ${KERNEL_SOURCES})
  set_target_properties(${target} PROPERTIES PREFIX ""
    LIBRARY_OUTPUT_DIRECTORY ${VOXFLOW_KERNEL_DIRECTORY}
    INSTALL_RPATH "$ORIGIN/../..")
  target_link_libraries(${target} PRIVATE voxflow::sdk ${KERNEL_LIBRARIES})
  if(KERNEL_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${KERNEL_PRECOMPILE})
  endif()
  install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/voxflow/kernels)
endfunction()
