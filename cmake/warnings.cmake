# Warnings are errors, hardening is on in every build; `rollcall_flags` carries both to each target.
add_library(rollcall_flags INTERFACE)
target_compile_options(rollcall_flags INTERFACE
  -Werror -Wall -Wextra -Wformat -Wformat=2 -Wconversion -Wsign-conversion -Wimplicit-fallthrough -Wshadow -Wvla
  -Walloca -Wnull-dereference -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wwrite-strings -Wcast-qual
  -fstack-protector-strong -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing
  -fno-omit-frame-pointer)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(rollcall_flags INTERFACE
    -Wtrampolines -Wbidi-chars=any -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Warith-conversion)
else()
  target_compile_options(rollcall_flags INTERFACE -Wthread-safety)
endif()
if(ROLLCALL_SANITIZE)
  target_compile_options(rollcall_flags INTERFACE -fsanitize=${ROLLCALL_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(rollcall_flags INTERFACE -fsanitize=${ROLLCALL_SANITIZE})
else()
  target_compile_options(rollcall_flags INTERFACE -fstack-clash-protection -fcf-protection=full)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    target_compile_options(rollcall_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
endif()
target_link_options(rollcall_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
target_compile_definitions(rollcall_flags INTERFACE _GNU_SOURCE)
if(ROLLCALL_SANITIZE STREQUAL "thread") # in every program, see there
  target_sources(rollcall_flags INTERFACE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:${PROJECT_SOURCE_DIR}/tests/tsan/c11_threads.c>)
  target_link_options(rollcall_flags INTERFACE -rdynamic) # so that librdkafka finds these before libc's
endif()
