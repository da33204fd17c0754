# voxflow_add_test(NAME LABEL unit|mpi|slurm|data|faults SOURCES ... [LIBRARIES ...])
# One doctest program, run as the CTest test NAME with that label.
function(voxflow_add_test name)
  cmake_parse_arguments(TEST "" "LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT TEST_LABEL MATCHES "^(unit|mpi|slurm|data|faults)$")
    message(FATAL_ERROR "voxflow_add_test(${name}): LABEL is '${TEST_LABEL}', allowed unit, mpi, slurm, data, faults")
  endif()
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  add_executable(test_${name} ${TEST_SOURCES})
  target_link_libraries(test_${name} PRIVATE ${TEST_LIBRARIES} voxflow::test_support voxflow_build)
  # What is tested keeps its optimisation; the tests themselves compile in two thirds of the time.
  target_compile_options(test_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES LABELS ${TEST_LABEL} TIMEOUT ${TEST_TIMEOUT})
  if(VOXFLOW_SANITIZE)
    set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT_MODIFICATION
      LSAN_OPTIONS=set:suppressions=${PROJECT_SOURCE_DIR}/tests/support/leaks.supp:print_suppressions=0
      UBSAN_OPTIONS=set:print_stacktrace=1)
  endif()
endfunction()
