# countersign_precompile(<target> <header>): cmake/precompiled/<header> is compiled once for the target
# and stands before each of its files. A third of the time of a build goes into reading these headers;
# -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON builds without.
function(countersign_precompile target header)
  target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled/${header})
  # A date in the result would make every build miss the compiler cache.
  target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
endfunction()
