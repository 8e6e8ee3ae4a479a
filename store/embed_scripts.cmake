# cmake -DSCRIPTS=<a.lua;b.lua> -DOUTPUT=<directory> -P embed_scripts.cmake
string(CONCAT header "// Generated from store/scripts/*.lua.\n#pragma once\n\n#include \"store/connection.hpp\"\n\n"
  "namespace countersign::store::scripts {\n\n")
string(CONCAT source "// Generated from store/scripts/*.lua.\n#include \"store/scripts.hpp\"\n\n"
  "namespace countersign::store::scripts {\n")
foreach(path IN LISTS SCRIPTS)
  get_filename_component(name ${path} NAME_WE)
  file(READ ${path} text)
  # The hash is of the embedded text, because that is what the server is given.
  string(SHA1 sha1 "${text}")
  string(APPEND header "[[nodiscard]] const script& ${name}();\n")
  string(APPEND source "\nconst script& ${name}() {\n"
    "    static const script it{R\"lua(${text})lua\",\n        \"${sha1}\"};\n    return it;\n}\n")
endforeach()
string(APPEND header "\n} // namespace countersign::store::scripts\n")
string(APPEND source "\n} // namespace countersign::store::scripts\n")
file(WRITE ${OUTPUT}/scripts.hpp "${header}")
file(WRITE ${OUTPUT}/scripts.cpp "${source}")
