#include "app/tls_keeper.hpp"

#include "app/files.hpp"
#include "app/system.hpp"
#include "net/reply.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <utility>

namespace countersign::app {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t file_size_max_bytes = 256 * 1024;
// Authorities' tools renew a month ahead; where that has failed for two weeks, somebody should
// look.
constexpr std::chrono::days expiry_is_near{14};
constexpr std::chrono::hours looks_each{24};

std::chrono::sys_seconds in_seconds(core::unix_time now) {
    return std::chrono::floor<std::chrono::seconds>(now);
}

void warn_of_expiry(const net::tls_identity& identity) {
    const auto until = identity.valid_until();
    if (until - in_seconds(system_clock_now()) >= expiry_is_near) return;
    spdlog::warn("tls.certificate is valid until {} only: put a new one in its place, send SIGHUP",
                 net::http_date(until));
}

} // namespace

fallible<net::tls_identity> read_tls_files(const tls_settings& tls, core::unix_time now) {
    const auto certificates = read_file(tls.certificate, file_size_max_bytes);
    if (!certificates) return problem{"tls.certificate: " + certificates.error().sentence};
    const auto key = read_file(tls.key, file_size_max_bytes);
    if (!key) return problem{"tls.key: " + key.error().sentence};
    if (key->accessible_to_others())
        return problem{"tls.key: others than the owner can access the file: chmod 600 " + tls.key};
    auto identity =
        net::tls_identity::parse(certificates->text.reveal(), key->text.reveal(), in_seconds(now));
    if (identity.has_value()) return *std::move(identity);
    const auto found = identity.error();
    const bool of_key = found.where == net::tls_problem::file::key;
    return problem{(of_key ? "tls.key: " + tls.key : "tls.certificate: " + tls.certificate) + " " +
                   found.sentence};
}

struct tls_keeper::state {
    state(const tls_settings& settings, asio::io_context& context)
        : tls(settings), hangups(context), daily(context) {}

    void wait_for_hangup() {
        hangups.async_wait([this](const error_code& error, int) {
            if (error) return;
            reload();
            wait_for_hangup();
        });
    }

    void wait_for_a_day() {
        daily.expires_after(looks_each);
        daily.async_wait([this](const error_code& error) {
            if (error) return;
            warn_of_expiry(*identity);
            wait_for_a_day();
        });
    }

    void reload() {
        auto fresh = read_tls_files(tls, system_clock_now());
        if (!fresh) {
            spdlog::error("SIGHUP: {}; the certificate in use stays", fresh.error().sentence);
            return;
        }
        try {
            server->show(*fresh);
        } catch (const std::exception& exception) {
            spdlog::error("SIGHUP: {}; the certificate in use stays", exception.what());
            return;
        }
        identity = *std::move(fresh);
        spdlog::info("SIGHUP: tls.certificate is read again, valid until {}",
                     net::http_date(identity->valid_until()));
        warn_of_expiry(*identity);
    }

    const tls_settings& tls;
    std::optional<net::tls_identity> identity;
    net::server* server = nullptr;
    asio::signal_set hangups;
    steady_timer daily;
};

tls_keeper::tls_keeper(std::unique_ptr<state> state) : state_(std::move(state)) {}
tls_keeper::tls_keeper(tls_keeper&&) noexcept = default;
tls_keeper::~tls_keeper() = default;

fallible<tls_keeper> tls_keeper::read(const settings& all, asio::io_context& context) {
    auto made = std::make_unique<state>(all.tls, context);
    if (!all.tls.on()) return tls_keeper(std::move(made));
    auto identity = read_tls_files(all.tls, system_clock_now());
    if (!identity) return identity.error();
    made->identity = *std::move(identity);
    made->hangups.add(SIGHUP);
    warn_of_expiry(*made->identity);
    if (!all.app.base_uri.starts_with("https://"))
        spdlog::warn("the listener speaks TLS, but links in mails will begin with {}: set "
                     "app.base_uri to an https address",
                     all.app.base_uri);
    return tls_keeper(std::move(made));
}

const std::optional<net::tls_identity>& tls_keeper::identity() const noexcept {
    return state_->identity;
}

void tls_keeper::keep(net::server& server) {
    if (!state_->identity) return;
    state_->server = &server;
    state_->wait_for_hangup();
    state_->wait_for_a_day();
}

} // namespace countersign::app
