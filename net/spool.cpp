#include "net/spool.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace countersign::net {
namespace {

constexpr std::size_t pending_max_bytes = 64 * 1024;

[[noreturn]] void fail(int error, const char* what) {
    throw std::system_error(error, std::generic_category(), what);
}

store::descriptor open_nameless(const std::filesystem::path& asked) {
    std::error_code error;
    const auto directory = asked.empty() ? std::filesystem::temp_directory_path(error) : asked;
    if (error) fail(error.value(), "there is no directory for temporary files");

    store::descriptor file(
        ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, S_IRUSR | S_IWUSR));
    if (file) return file;
    // Not every file system makes files without a name; then it has one for a moment.
    auto name = (directory / "countersign-XXXXXX").string();
    file = store::descriptor(::mkostemp(name.data(), O_CLOEXEC));
    if (!file) fail(errno, "a temporary file cannot be made");
    if (::unlink(name.c_str()) != 0) fail(errno, "a temporary file cannot be unlinked");
    return file;
}

class spooled_reply final : public reply_stream {
public:
    spooled_reply(store::descriptor file, std::uint64_t size) noexcept
        : file_(std::move(file)), size_(size) {}

    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }

    std::size_t read(std::span<char> into) override {
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - offset_));
        for (;;) {
            const auto count =
                ::pread(file_.get(), into.data(), wanted, static_cast<off_t>(offset_));
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) fail(errno, "a temporary file cannot be read");
            offset_ += static_cast<std::uint64_t>(count);
            return static_cast<std::size_t>(count);
        }
    }

private:
    store::descriptor file_;
    std::uint64_t size_;
    std::uint64_t offset_ = 0;
};

} // namespace

spool::spool(const std::filesystem::path& directory) : file_(open_nameless(directory)) {}

void spool::append(std::string_view text) {
    pending_ += text;
    if (pending_.size() >= pending_max_bytes) flush();
}

void spool::flush() {
    std::string_view rest = pending_;
    while (!rest.empty()) {
        const auto count = ::write(file_.get(), rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail(errno, "a temporary file cannot be written");
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
    written_ += pending_.size();
    pending_.clear();
}

std::unique_ptr<reply_stream> spool::finish() {
    flush();
    return std::make_unique<spooled_reply>(std::move(file_), written_);
}

} // namespace countersign::net
