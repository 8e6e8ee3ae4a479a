# Writes OUTPUT, a C++ source that holds the text of FILES (relative to SOURCE_DIR), for embedded.hpp.
# Run as a script: cmake -DOUTPUT=… -DSOURCE_DIR=… -DFILES=a,b -P embed.cmake
string(REPLACE "," ";" files "${FILES}")
set(entries "")
foreach(name IN LISTS files)
  file(READ "${SOURCE_DIR}/${name}" text)
  string(APPEND entries "    {\"${name}\", R\"embedded(${text})embedded\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"notify/embedded.hpp\"

namespace countersign::notify {
namespace {
constexpr embedded_file files[] = {
${entries}};
} // namespace

std::span<const embedded_file> embedded_files() noexcept { return files; }

} // namespace countersign::notify
")
