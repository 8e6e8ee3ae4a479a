// The listener's certificate while the server runs: read at the start from the files that
// `tls.certificate` and `tls.key` name, read again at SIGHUP, and complained about in the log when
// it is about to expire.
#pragma once

#include "app/problem.hpp"
#include "app/settings.hpp"
#include "core/types.hpp"
#include "net/server.hpp"
#include "net/tls_identity.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>

namespace countersign::app {

// A key that others than its owner can access is refused, and so is a certificate that is not valid
// `now`. The error names the setting and the file.
[[nodiscard]] fallible<net::tls_identity> read_tls_files(const tls_settings& tls,
                                                         core::unix_time now);

class tls_keeper {
public:
    // With TLS on, SIGHUP no longer ends the program from here on. Both outlive the keeper.
    [[nodiscard]] static fallible<tls_keeper> read(const settings& all,
                                                   boost::asio::io_context& context);
    tls_keeper(tls_keeper&&) noexcept;
    ~tls_keeper();

    // None with TLS off.
    [[nodiscard]] const std::optional<net::tls_identity>& identity() const noexcept;

    // From here on the context looks after the certificate of the server, which has started and
    // outlives the context's last run.
    void keep(net::server& server);

private:
    struct state;
    explicit tls_keeper(std::unique_ptr<state> state);

    std::unique_ptr<state> state_;
};

} // namespace countersign::app
