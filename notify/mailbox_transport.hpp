// The default when no relay is configured: every mail a file below the data directory, to be read
// at /dev/mail.
#pragma once

#include "notify/transport.hpp"

#include <filesystem>

namespace countersign::notify {

class mailbox_transport final : public transport {
public:
    // Made with mode 0700 if missing. Throws std::filesystem::filesystem_error if it cannot be.
    explicit mailbox_transport(std::filesystem::path directory);

    // <directory>/<mail.name>.eml, mode 0600, whole or not at all, on disk when this returns. The
    // same mail again replaces its file. Fails as `relay`: a full disk concerns every mail.
    [[nodiscard]] boost::system::result<void, delivery_failure> submit(const mail& mail) override;

private:
    std::filesystem::path directory_;
};

} // namespace countersign::notify
