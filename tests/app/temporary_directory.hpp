// A directory of one test's own, removed with the object.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace countersign::tests {

class temporary_directory {
public:
    temporary_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "countersign-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
        path_ = name;
    }
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    // Writes a file with that mode and returns its path.
    std::filesystem::path write(const std::string& name, std::string_view text,
                                unsigned mode = 0600) const {
        const auto file = path_ / name;
        std::ofstream(file) << text;
        std::filesystem::permissions(file, static_cast<std::filesystem::perms>(mode));
        return file;
    }

private:
    std::filesystem::path path_;
};

[[nodiscard]] inline std::string read_all(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

[[nodiscard]] inline unsigned mode_of(const std::filesystem::path& file) {
    return static_cast<unsigned>(std::filesystem::status(file).permissions());
}

} // namespace countersign::tests
