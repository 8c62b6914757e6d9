# rollcall_stage(NAME SOURCES ... [NEEDS stage ...] [LIBS target ...])
# A stage is a folder under src/ and a static library rc_NAME. Its headers are included by plain name; they are
# visible only to the stages that name it (or something that does) in NEEDS.
function(rollcall_stage NAME)
  cmake_parse_arguments(S "" "" "SOURCES;NEEDS;LIBS" ${ARGN})
  add_library(rc_${NAME} STATIC ${S_SOURCES})
  target_include_directories(rc_${NAME} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  foreach(stage IN LISTS S_NEEDS)
    target_link_libraries(rc_${NAME} PUBLIC rc_${stage})
  endforeach()
  target_link_libraries(rc_${NAME} PRIVATE rollcall_flags PUBLIC ${S_LIBS})
endfunction()
