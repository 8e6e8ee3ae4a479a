# Flags of our own code. Libraries of others are included as system headers.
add_library(countersign_options INTERFACE)
target_compile_options(countersign_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wno-missing-designated-field-initializers -Wnon-virtual-dtor -Wimplicit-fallthrough -Werror -fno-omit-frame-pointer)
target_include_directories(countersign_options INTERFACE ${CMAKE_SOURCE_DIR})

set(COUNTERSIGN_SANITIZE "" CACHE STRING
  "Sanitizers for everything that is compiled here, e.g. address,undefined")
if(COUNTERSIGN_SANITIZE)
  add_compile_options(
    -fsanitize=${COUNTERSIGN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${COUNTERSIGN_SANITIZE})
else()
  # A server that parses strangers' bytes: harden what costs nothing.
  add_compile_options(-fstack-protector-strong -D_GLIBCXX_ASSERTIONS)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
