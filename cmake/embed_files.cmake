# cmake -DNAMES=<a;b> -DFILES=<path;path> -DNAMESPACE=<n> -DHEADER=<x/y.hpp> -DOUTPUT=<directory> -P
# An array of bytes each: string literals beyond 65536 characters are not portable.
string(CONCAT header "// Generated when building.\n#pragma once\n\n#include <string_view>\n\n"
  "namespace ${NAMESPACE} {\n\n")
string(CONCAT source "// Generated when building.\n#include \"${HEADER}\"\n\n"
  "namespace ${NAMESPACE} {\n")
foreach(name path IN ZIP_LISTS NAMES FILES)
  file(READ ${path} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND header "[[nodiscard]] std::string_view ${name}();\n")
  string(APPEND source "\nstd::string_view ${name}() {\n"
    "    static constexpr unsigned char bytes[] = {${bytes}};\n"
    "    return {reinterpret_cast<const char*>(bytes), sizeof bytes};\n}\n")
endforeach()
string(APPEND header "\n} // namespace ${NAMESPACE}\n")
string(APPEND source "\n} // namespace ${NAMESPACE}\n")
string(REGEX REPLACE "\\.hpp$" ".cpp" source_path ${HEADER})
file(WRITE ${OUTPUT}/${HEADER} "${header}")
file(WRITE ${OUTPUT}/${source_path} "${source}")
