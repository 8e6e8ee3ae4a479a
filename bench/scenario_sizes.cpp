// Scenarios about size: growth (accounts, and what an account holds) and idle (connections).
#include "bench/scenario.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

namespace countersign::bench {

namespace json = boost::json;
using clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t usual_connections = 64;

double used_memory(const product& server) {
    std::this_thread::sleep_for(std::chrono::seconds(1)); // buffers of the import are given back
    return redis_client(server.redis_socket()).used_memory();
}

// At most a third of what a population has, so that each of the next rounds finds as many; with few
// accounts that is a short burst, and then a wait for the next TOTP period.
json::object measure(const options& how, product& server, code_supply& supply,
                     std::size_t codes_of_a_period) {
    load_figures figures(product::process_names());
    for (int round = -1; round < how.rounds; ++round) { // the first one warms up
        const auto wanted = std::min<std::size_t>(codes_of_a_period * 9 / 10,
                                                  static_cast<std::size_t>(how.seconds * 40'000));
        verifications source(server.key(), supply.take(wanted, wanted * 9 / 10, how.seconds));
        const auto result = run_load({.port = server.port(),
                                      .connections = usual_connections,
                                      .duration = span_of(how.seconds),
                                      .watched = server.processes()},
                                     source);
        supply.give_back(source.codes().data() + source.used(),
                         source.codes().size() - source.used());
        if (round < 0) continue;
        figures.add(result);
        step(fmt::format("  {} verifications: {:.0f}/s, {:.1f} us of the server, {:.1f} us of "
                         "Redis each, {} failed",
                         result.replies, result.rate(), result.each_us(result.watched_cpu_s[0]),
                         result.each_us(result.watched_cpu_s[1]), result.bad()));
    }
    return figures.json();
}

// POST …/sessions, with a code where the subject has an app.
class session_openings : public request_source {
public:
    session_openings(std::string key, std::size_t subjects, std::size_t devices,
                     std::int64_t oldest_step, std::size_t sessions)
        : key_(std::move(key)), subjects_(subjects), devices_(devices), oldest_step_(oldest_step),
          count_(subjects * sessions) {}

    std::string_view next() override {
        if (used_ == count_) return {};
        const auto at = used_++;
        const auto subject = at % subjects_;
        const auto turn = at / subjects_; // each takes another device or step
        const auto code = totp_code_of(subject, turn % devices_,
                                       oldest_step_ + static_cast<std::int64_t>(turn / devices_));
        const auto body = "{\"code\":\"" + six_digits(code) + "\"}";
        request_ = fmt::format("POST /api/service/v1/subjects/{}/sessions HTTP/1.1\r\n"
                               "Host: localhost\r\nAuthorization: Bearer {}\r\n"
                               "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                               subject_name(subject), key_, body.size(), body);
        return request_;
    }
    bool accepts(unsigned status, std::string_view) override { return status == 201; }

private:
    std::string key_, request_;
    std::size_t subjects_, devices_;
    std::int64_t oldest_step_;
    std::size_t count_, used_ = 0;
};

// Accounts of ten apps and fifty sessions. The sessions are opened while the window is wide, with
// codes that are too old for the verifications that follow.
json::object run_heavy(const options& how, std::size_t subjects) {
    constexpr std::size_t devices = 10, sessions = 50;
    constexpr int wide = 10;
    step(fmt::format("growth: {} accounts with {} apps and {} sessions", subjects, devices,
                     sessions));
    product server(how, {{"policy.totp_window", std::to_string(wide)}});
    const auto before = used_memory(server);
    server.import(0, subjects, {.devices = devices, .backup_codes = 10});
    session_openings source(server.key(), subjects, devices, step_now() - wide + 2, sessions);
    const auto opened = run_load({.port = server.port(),
                                  .connections = usual_connections,
                                  .duration = std::chrono::seconds(60)},
                                 source);
    if (opened.bad() > opened.replies / 1'000)
        throw std::runtime_error("sessions could not be opened: " + opened.first_bad);
    const auto bytes = (used_memory(server) - before) / static_cast<double>(subjects);
    (void)server.server().stop();
    server.server().set("policy.totp_window", "1");
    server.server().start();
    code_supply supply(0, subjects, devices);
    auto out = measure(how, server, supply, subjects * devices);
    out["accounts"] = subjects;
    out["devices"] = devices;
    out["sessions"] = sessions;
    out["redis_bytes_per_account"] = rounded(bytes);
    return out;
}

} // namespace

json::object run_growth(const options& how) {
    json::array rows;
    {
        product server(how);
        const auto empty = used_memory(server);
        std::size_t there = 0;
        for (const auto accounts : how.growth) {
            step(fmt::format("growth: {} accounts", accounts));
            const auto per_s = server.import(there, accounts - there);
            const auto bytes = (used_memory(server) - empty) / static_cast<double>(accounts);
            // Those that are new, so that every code is left.
            code_supply supply(there, accounts - there);
            auto row = measure(how, server, supply, accounts - there);
            there = accounts;
            row["accounts"] = accounts;
            row["imports_per_s"] = rounded(per_s);
            row["redis_bytes_per_account"] = rounded(bytes);
            rows.push_back(std::move(row));
        }
    }
    auto heavy = run_heavy(how, how.growth.back() >= 100'000 ? 1'000 : 200);
    return {{"rows", std::move(rows)}, {"heavy", std::move(heavy)}};
}

namespace {

struct ssl_deleter {
    void operator()(SSL* ssl) const { ::SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};

// One kept connection, plain or TLS, without what a client of the world would check.
class idle_connection {
public:
    idle_connection(std::uint16_t port, SSL_CTX* context)
        : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval patience{.tv_sec = 3, .tv_usec = 0};
        const int on = 1;
        ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        usable_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address),
                            sizeof address) == 0;
        if (!usable_ || context == nullptr) return;
        ssl_.reset(::SSL_new(context));
        ::SSL_set_fd(ssl_.get(), descriptor_);
        usable_ = ::SSL_connect(ssl_.get()) == 1;
    }
    ~idle_connection() {
        ssl_.reset();
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    idle_connection(const idle_connection&) = delete;
    idle_connection& operator=(const idle_connection&) = delete;

    // True if the request was answered with 200.
    bool ask() {
        constexpr std::string_view request = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
        if (!usable_) return false;
        std::array<char, 4'096> buffer{};
        const auto size = static_cast<int>(request.size());
        const auto room = static_cast<int>(buffer.size());
        const auto sent = ssl_ ? ::SSL_write(ssl_.get(), request.data(), size)
                               : static_cast<int>(::send(descriptor_, request.data(),
                                                         request.size(), MSG_NOSIGNAL));
        if (sent != size) return usable_ = false;
        const auto got =
            ssl_ ? ::SSL_read(ssl_.get(), buffer.data(), room)
                 : static_cast<int>(::recv(descriptor_, buffer.data(), buffer.size(), 0));
        usable_ = got > 12 && std::string_view(buffer.data(), 12) == "HTTP/1.1 200";
        return usable_;
    }

private:
    int descriptor_;
    bool usable_ = false;
    std::unique_ptr<SSL, ssl_deleter> ssl_;
};

// server_process asks in plain HTTP whether its server is there, so this one is started by hand.
class idle_server {
public:
    idle_server(const options& how, std::vector<std::string> settings) {
        port_ = static_cast<std::uint16_t>(20'000 + ::getpid() % 10'000);
        std::vector<std::string> words{how.program.string(),
                                       "serve",
                                       fmt::format("--listen=127.0.0.1:{}", port_),
                                       "--data_dir=" + (directory_.path() / "data").string(),
                                       "--log.level=warn",
                                       "--policy.ip_limits=false",
                                       "--mail.notifier=false"};
        words.insert(words.end(), settings.begin(), settings.end());
        child_.emplace(std::move(words), directory_.path() / "log");
    }
    void wait(SSL_CTX* context) {
        const auto patience = clock::now() + std::chrono::seconds(20);
        while (!idle_connection(port_, context).ask()) {
            if (clock::now() > patience) throw std::runtime_error("the server does not answer");
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] pid_t process() const { return child_->process(); }

private:
    scratch_directory directory_;
    std::uint16_t port_;
    std::optional<child_process> child_;
};

json::object measure_idle(const options& how, idle_server& server, SSL_CTX* context) {
    server.wait(context);
    for (int warm = 0; warm < 200; ++warm)
        (void)idle_connection(server.port(), context).ask();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    // The server needs as many descriptors as we do, and some for itself.
    const auto most = how.open_files - how.open_files / 16 - 64;
    const auto wanted = std::min(how.idle_connections, most);
    if (wanted < how.idle_connections)
        step(fmt::format("idle: {} of {} connections: RLIMIT_NOFILE is {}", wanted,
                         how.idle_connections, how.open_files));
    const auto before = resident_bytes(server.process());
    std::vector<std::unique_ptr<idle_connection>> open;
    const auto begin = clock::now();
    // The server closes connections that have been idle for 30 s: what follows must be quicker.
    while (open.size() < wanted && clock::now() < begin + std::chrono::seconds(24)) {
        auto one = std::make_unique<idle_connection>(server.port(), context);
        if (!one->ask()) break; // at the server's own limit
        open.push_back(std::move(one));
    }
    const auto opening = std::chrono::duration<double>(clock::now() - begin).count();
    const auto after = resident_bytes(server.process());
    histogram wake;
    std::size_t closed = 0;
    constexpr std::size_t woken = 1'000;
    for (std::size_t one = 0; one < std::min(woken, open.size()); ++one) {
        const auto asked = clock::now();
        if (!open[open.size() - 1 - one * open.size() / woken % open.size()]->ask()) {
            ++closed;
            continue;
        }
        wake.record(static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - asked).count()));
    }
    const auto each = open.empty() ? 0.0
                                   : (static_cast<double>(after) - static_cast<double>(before)) /
                                         static_cast<double>(open.size());
    step(fmt::format("idle: {} connections, {:.0f} bytes each, opened in {:.1f} s, woken in {:.2f} "
                     "ms (p99 {:.2f})",
                     open.size(), each, opening, wake.quantile_ms(0.5), wake.quantile_ms(0.99)));
    return {{"connections", open.size()},
            {"wanted", how.idle_connections},
            {"bytes_per_connection", rounded(each)},
            {"server_mib_before", rounded(static_cast<double>(before) / 1048576)},
            {"opened_per_s", rounded(static_cast<double>(open.size()) / opening)},
            {"woken_p50_ms", wake.quantile_ms(0.5)},
            {"woken_p99_ms", wake.quantile_ms(0.99)},
            {"closed", closed}};
}

bool has_tls(const options& how) {
    child_process check({how.program.string(), "config", "check"}); // names every setting
    return check.read_all(20).find("tls.certificate") != std::string::npos;
}

} // namespace

json::object run_idle(const options& how) {
    json::object out;
    {
        idle_server plain(how, {});
        out["plain"] = measure_idle(how, plain, nullptr);
    }
    if (!has_tls(how)) {
        step("idle: skipped TLS: this server has no setting tls.certificate");
        out["tls"] = {{"skipped", "this server has no setting tls.certificate"}};
        return out;
    }
    const scratch_directory scratch;
    const auto certificate = (scratch.path() / "certificate.pem").string();
    const auto key = (scratch.path() / "key.pem").string();
    child_process made({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", key, "-out", certificate});
    (void)made.read_all(20);
    std::filesystem::permissions(key, std::filesystem::perms::owner_read);
    const std::unique_ptr<SSL_CTX, ssl_deleter> context(::SSL_CTX_new(::TLS_client_method()));
    idle_server secure(how, {"--tls.certificate=" + certificate, "--tls.key=" + key,
                             "--app.base_uri=https://localhost"});
    try {
        out["tls"] = measure_idle(how, secure, context.get());
    } catch (const std::runtime_error& error) {
        out["tls"] = {{"skipped", error.what()}};
    }
    return out;
}

} // namespace countersign::bench
