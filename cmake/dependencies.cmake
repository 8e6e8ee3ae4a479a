# Boost 1.92 headers (Beast 361, Redis 1.92): the system's if new enough, otherwise the copy that
# scripts/bootstrap unpacked below build/boost. Asio, Beast, JSON and Redis are compiled once each.
set(COUNTERSIGN_BOOST_MINIMUM 109200)
find_path(COUNTERSIGN_BOOST_INCLUDE boost/version.hpp
  PATHS ${CMAKE_SOURCE_DIR}/build/boost/usr/include NO_DEFAULT_PATH)
find_path(COUNTERSIGN_BOOST_INCLUDE boost/version.hpp)
if(NOT COUNTERSIGN_BOOST_INCLUDE)
  message(FATAL_ERROR "Boost headers not found: run scripts/bootstrap (it gets libboost1.92-dev)")
endif()
file(STRINGS ${COUNTERSIGN_BOOST_INCLUDE}/boost/version.hpp boost_version_line
  REGEX "^#define BOOST_VERSION [0-9]+")
string(REGEX MATCH "[0-9]+$" boost_version "${boost_version_line}")
if(boost_version LESS COUNTERSIGN_BOOST_MINIMUM)
  message(FATAL_ERROR "Boost ${boost_version} in ${COUNTERSIGN_BOOST_INCLUDE} is older than 1.92: "
    "run scripts/bootstrap (it gets libboost1.92-dev)")
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(spdlog REQUIRED)
find_package(CURL REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(CLI11 REQUIRED)
find_library(MIMALLOC_LIBRARY mimalloc REQUIRED) # libmimalloc-dev
pkg_check_modules(ARGON2 REQUIRED IMPORTED_TARGET libargon2)
pkg_check_modules(FIDO2 REQUIRED IMPORTED_TARGET libfido2)
pkg_check_modules(YAML_CPP REQUIRED IMPORTED_TARGET yaml-cpp)
pkg_check_modules(PROMETHEUS_CPP REQUIRED IMPORTED_TARGET prometheus-cpp-core) # its core alone

add_library(countersign_boost STATIC
  cmake/boost/asio.cpp cmake/boost/beast.cpp cmake/boost/json.cpp cmake/boost/redis.cpp)
target_include_directories(countersign_boost SYSTEM PUBLIC ${COUNTERSIGN_BOOST_INCLUDE})
target_compile_definitions(countersign_boost PUBLIC
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_SEPARATE_COMPILATION)
target_link_libraries(countersign_boost PUBLIC OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
