#include "app/files.hpp"

#include "store/descriptor.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace countersign::app {

namespace {

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

// A new file in the same folder, with the text on the disk. Its name, or why there is none.
fallible<std::string> write_beside(const std::filesystem::path& path, std::string_view text) {
    auto temporary = path.string() + "." + std::to_string(::getpid()) + ".new";
    ::unlink(temporary.c_str()); // of a process of that id that was killed
    const store::descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return system_problem("cannot write", temporary, errno);
    if (!write_all(file.get(), text) || ::fsync(file.get()) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return system_problem("cannot write", path.string(), error);
    }
    return temporary;
}

bool sync_directory(const std::filesystem::path& path) {
    const store::descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return directory && ::fsync(directory.get()) == 0;
}

} // namespace

fallible<file_content> read_file(const std::filesystem::path& path, std::size_t size_max_bytes) {
    // Not blocking, in case it is a pipe.
    const store::descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0)
        return system_problem("cannot read", path.string(), errno);
    if (!S_ISREG(status.st_mode)) return problem{path.string() + " is not a regular file"};
    if (status.st_size > static_cast<off_t>(size_max_bytes))
        return problem{path.string() + " is larger than " + std::to_string(size_max_bytes) +
                       " bytes"};

    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const auto count = ::read(file.get(), text.data() + filled, text.size() - filled);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_problem("cannot read", path.string(), errno);
        if (count == 0) break;
        filled += static_cast<std::size_t>(count);
    }
    text.resize(filled);
    return file_content{core::secret_string(std::move(text)), status.st_uid,
                        status.st_mode & 07777};
}

fallible<bool> write_new_file(const std::filesystem::path& path, std::string_view text) {
    auto written = write_beside(path, text);
    if (!written) return written.error();
    // A link, unlike a rename, never replaces what is there.
    const bool linked = ::link(written->c_str(), path.c_str()) == 0;
    const int error = errno;
    ::unlink(written->c_str());
    if (!linked && error == EEXIST) return false;
    if (!linked) return system_problem("cannot write", path.string(), error);
    if (!sync_directory(path.parent_path()))
        return system_problem("cannot write", path.string(), errno);
    return true;
}

fallible<void> replace_file(const std::filesystem::path& path, std::string_view text) {
    auto written = write_beside(path, text);
    if (!written) return written.error();
    if (::rename(written->c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(written->c_str());
        return system_problem("cannot write", path.string(), error);
    }
    if (!sync_directory(path.parent_path()))
        return system_problem("cannot write", path.string(), errno);
    return {};
}

} // namespace countersign::app
