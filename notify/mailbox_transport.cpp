#include "notify/mailbox_transport.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace countersign::notify {
namespace {

class descriptor {
public:
    explicit descriptor(int value) noexcept : value_(value) {}
    ~descriptor() {
        if (value_ >= 0) {
            ::close(value_);
        }
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    [[nodiscard]] int get() const noexcept { return value_; }

private:
    int value_;
};

delivery_failure failure(const char* what) {
    return {failure_kind::relay,
            std::string("mailbox: ") + what + ": " + std::generic_category().message(errno)};
}

bool write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

} // namespace

mailbox_transport::mailbox_transport(std::filesystem::path directory)
    : directory_(std::move(directory)) {
    if (std::filesystem::create_directories(directory_)) {
        std::filesystem::permissions(directory_, std::filesystem::perms::owner_all);
    }
}

boost::system::result<void, delivery_failure> mailbox_transport::submit(const mail& mail) {
    const auto target = directory_ / (mail.name + ".eml");
    const auto temporary = directory_ / (mail.name + ".tmp");
    {
        const descriptor file(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (file.get() < 0) {
            return failure("open");
        }
        if (!write_all(file.get(), mail.mime)) {
            return failure("write");
        }
        if (::fsync(file.get()) != 0) {
            return failure("fsync");
        }
    }
    if (std::rename(temporary.c_str(), target.c_str()) != 0) {
        return failure("rename");
    }
    const descriptor folder(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0 || ::fsync(folder.get()) != 0) {
        return failure("fsync of the folder");
    }
    return {};
}

} // namespace countersign::notify
