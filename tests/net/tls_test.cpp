// TLS of the listener: what is negotiated, tickets, new certificates, and clients that are silent,
// slow or gone. What HTTP over it does, the suites over both transports ask.
#include "tests/net/echo_server.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <algorithm>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace countersign::net {
namespace {

using namespace std::chrono_literals;
using tests::certificate_authority;
using tests::echo_server;
using tests::http_connection;
using tests::tls_version;
using tests::tls_wish;
using tests::transport;
using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point begin) {
    return std::chrono::duration<double>(clock::now() - begin).count();
}

server_options quick() {
    server_options options;
    options.time = {.handshake = 300ms,
                    .idle = 300ms,
                    .header = 300ms,
                    .body = 300ms,
                    .write = 300ms,
                    .linger = 200ms,
                    .tls_linger = 200ms,
                    .check_interval = 20ms};
    return options;
}

struct tls_server : echo_server {
    explicit tls_server(server_options options = {})
        : echo_server(std::move(options), transport::tls) {}

    [[nodiscard]] http_connection connect(const tls_wish& wish = {}) const {
        return {server.port(), wish};
    }
    [[nodiscard]] http_connection connect_plain() const { return http_connection(server.port()); }
};

// Why the server and this client cannot agree; empty if they do.
std::string disagreement(const tls_server& server, const tls_wish& wish) {
    try {
        return server.connect(wish).request("GET", "/").status == 200U ? "" : "no 200";
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Tls, Version13And12_AreSpoken_AndNothingOlder) {
    const tls_server server;
    EXPECT_EQ(server.connect().tls().version(), "TLSv1.3");
    EXPECT_EQ(server.connect({.highest = tls_version::v1_2}).tls().version(), "TLSv1.2");
    EXPECT_EQ(disagreement(server, {.highest = tls_version::v1_2}), "");
    EXPECT_TRUE(
        contains(disagreement(server, {.lowest = tls_version::v1_1, .highest = tls_version::v1_1}),
                 "protocol version"));
}

TEST(Tls, Of12_OnlyForwardSecrecyWithAuthenticatedEncryption_IsTaken) {
    const tls_server server;
    const auto with = [](const char* cipher) {
        return tls_wish{.highest = tls_version::v1_2, .ciphers = cipher};
    };
    for (const auto* good : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                             "ECDHE-ECDSA-CHACHA20-POLY1305"})
        EXPECT_EQ(disagreement(server, with(good)), "") << good;
    for (const auto* bad :
         {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES128-SHA", "AES128-GCM-SHA256"})
        EXPECT_TRUE(contains(disagreement(server, with(bad)), "handshake failure")) << bad;
}

TEST(Tls, WithAnRsaKey_ServesToo) {
    const tests::temporary_directory folder;
    const certificate_authority authority(folder.path());
    server_options options;
    options.tls = tests::identity_of(authority.issue({.rsa_bits = 2048}));
    const echo_server server(options);
    for (const auto version : {tls_version::v1_2, tls_version::v1_3}) {
        http_connection client(server.server.port(),
                               {.highest = version, .ca_file = authority.file()});
        EXPECT_EQ(client.request("GET", "/").status, 200U);
    }
}

TEST(Tls, Alpn_AgreesOnHttp11_AndEndsWithWhoOffersOnlyOthers) {
    const tls_server server;
    for (const auto version : {tls_version::v1_2, tls_version::v1_3}) {
        tls_wish wish{.highest = version, .protocols = {"h2", "http/1.1"}};
        EXPECT_EQ(server.connect(wish).tls().protocol(), "http/1.1");
        wish.protocols = {"h2", "http/1.0"};
        EXPECT_TRUE(contains(disagreement(server, wish), "no application protocol"));
        wish.protocols = {};
        EXPECT_EQ(disagreement(server, wish), "");
        EXPECT_EQ(server.connect(wish).tls().protocol(), "");
    }
}

TEST(Tls, EveryReply_TellsBrowsersToComeByHttps_AndNoPlainOneDoes) {
    const tls_server server;
    const auto field = "max-age=31536000";
    for (const auto* path : {"/", "/throw", "/empty", "/bad-reply"})
        EXPECT_EQ(server.connect().request("GET", path).header("Strict-Transport-Security"), field)
            << path;
    auto malformed = server.connect();
    malformed.send("nonsense\r\n\r\n");
    EXPECT_EQ(malformed.receive().header("Strict-Transport-Security"), field);
    const echo_server plain;
    EXPECT_EQ(plain.connect().request("GET", "/").header("Strict-Transport-Security"),
              std::nullopt);
}

// --- tickets ---

tests::tls_ticket ticket_of(http_connection client) {
    EXPECT_EQ(client.request("GET", "/").status, 200U);
    auto ticket = client.tls().ticket();
    EXPECT_NE(ticket, nullptr);
    return ticket;
}

TEST(TlsTicket, OfOneThread_ResumesOnEveryOther) {
    server_options options;
    options.threads = 3;
    const tls_server server(options);
    for (const auto version : {tls_version::v1_2, tls_version::v1_3}) {
        const auto ticket = ticket_of(server.connect({.highest = version}));
        for (int i = 0; i < 20; ++i) {
            auto again = server.connect({.highest = version, .resumes = ticket});
            EXPECT_TRUE(again.tls().resumed());
            EXPECT_EQ(again.request("GET", "/").status, 200U);
        }
    }
}

TEST(TlsTicket, OpensUntilItsKeyIsReplacedTwice) {
    constexpr auto life = 2s;
    server_options options;
    options.threads = 2;
    options.time.ticket_key = life;
    options.time.check_interval = 20ms;
    const auto begin = clock::now(); // the keys change at multiples of their life from here
    const tls_server server(options);
    const auto resumes = [&](const tests::tls_ticket& ticket) {
        auto again = server.connect({.resumes = ticket});
        EXPECT_EQ(again.request("GET", "/").status, 200U);
        return again.tls().resumed();
    };
    const auto first = ticket_of(server.connect());

    std::this_thread::sleep_until(begin + life + life / 2);
    EXPECT_TRUE(resumes(first));
    const auto renewed = ticket_of(server.connect({.resumes = first}));

    std::this_thread::sleep_until(begin + 2 * life + life / 2);
    EXPECT_FALSE(resumes(first));
    EXPECT_TRUE(resumes(renewed));
}

TEST(TlsTicket, WhoLeavesBeforeItIsWritten_HasItsRequestServed) {
    const tls_server server;
    for (int i = 0; i < 20; ++i) {
        auto client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        client.finish_sending();
    }
    const auto begin = clock::now();
    while (server.record->dispatched < 20 && seconds_since(begin) < 5)
        std::this_thread::sleep_for(5ms);
    EXPECT_EQ(server.record->dispatched, 20);
}

// --- new certificates ---

TEST(TlsIdentity, Replaced_IsShownToNewClients_AndOldConnectionsLiveOn) {
    const tests::temporary_directory folder;
    const certificate_authority authority(folder.path());
    server_options options;
    options.threads = 2;
    options.tls = tests::identity_of(authority.issue());
    tests::echo_server server(options);
    const auto connect = [&] {
        return http_connection(server.server.port(), {.ca_file = authority.file()});
    };
    auto old = connect();
    EXPECT_EQ(old.request("GET", "/").status, 200U);

    server.server.show(tests::identity_of(authority.issue()));

    std::vector<long> serials;
    for (int i = 0; i < 20; ++i) {
        auto fresh = connect();
        EXPECT_EQ(fresh.request("GET", "/").status, 200U);
        serials.push_back(fresh.tls().certificate_serial());
    }
    EXPECT_NE(serials.back(), old.tls().certificate_serial());
    EXPECT_EQ(std::ranges::count(serials, serials.back()), 20);
    EXPECT_EQ(old.request("GET", "/").status, 200U);
}

struct refusal {
    tls_problem::file where;
    std::string sentence;
};

refusal refusal_of(const std::string& certificates, const std::string& key) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto parsed = tls_identity::parse(certificates, key, now);
    if (parsed.has_value()) return {tls_problem::file::certificate, "none"};
    return {parsed.error().where, parsed.error().sentence};
}

TEST(TlsIdentity, ThatCannotBeShown_IsRefusedWithTheReason) {
    const tests::temporary_directory folder;
    const certificate_authority authority(folder.path());
    const auto good = authority.issue();
    const auto certificate = tests::read_all(good.certificate), key = tests::read_all(good.key);
    const auto text_of = [&](const tests::certificate_wish& wish) {
        return tests::read_all(authority.issue(wish).certificate);
    };
    const auto expired = text_of({.valid_from = -48h, .valid_until = -1h});
    const std::string encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        "MIG6MGUGCSqGSIb3DQEFDTBYMDcGCSqGSIb3DQEFDDAqBBQAAAAAAAAAAAAAAAAA\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n";
    const auto weak = authority.issue({.rsa_bits = 1024});
    const struct {
        std::string certificates, key;
        tls_problem::file where;
        const char* part;
    } rows[] = {
        {"", key, tls_problem::file::certificate, "no certificate"},
        {key, key, tls_problem::file::certificate, "no certificate"},
        {"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", key,
         tls_problem::file::certificate, "cannot be read"},
        {expired, key, tls_problem::file::certificate, "(number 1) that has expired"},
        {certificate + expired, key, tls_problem::file::certificate, "(number 2) that has expired"},
        {text_of({.valid_from = 1h}), key, tls_problem::file::certificate, "not valid before"},
        {tests::read_all(weak.certificate), tests::read_all(weak.key),
         tls_problem::file::certificate, "key too small"},
        {certificate, "", tls_problem::file::key, "no private key"},
        {certificate, certificate, tls_problem::file::key, "no private key"},
        {certificate, tests::read_all(authority.issue().key), tls_problem::file::key,
         "not the key of the certificate"},
        {tests::read_all(authority.file()) + certificate, key, tls_problem::file::key,
         "must be the first"},
    };
    for (const auto& row : rows) {
        const auto refused = refusal_of(row.certificates, row.key);
        EXPECT_EQ(refused.where, row.where) << refused.sentence;
        EXPECT_TRUE(contains(refused.sentence, row.part)) << refused.sentence;
    }
    EXPECT_FALSE(refusal_of(certificate, encrypted).sentence.empty());
    EXPECT_EQ(refusal_of(certificate + tests::read_all(authority.file()), key).sentence, "none");
}

// --- silent and slow ---

TEST(TlsPeer, ThatSaysNothing_IsCutAtTheDeadlineOfTheHandshake) {
    const tls_server server(quick());
    auto client = server.connect_plain();
    const auto begin = clock::now();
    EXPECT_TRUE(client.is_closed_by_server());
    EXPECT_GE(seconds_since(begin), 0.25);
    EXPECT_LT(seconds_since(begin), 3);
}

// The header of a record of 512 bytes, which then come one by one.
const std::string hello_begun("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);

TEST(TlsPeer, WhoseHelloTrickles_IsCutAtTheDeadlineOfTheHandshake) {
    const tls_server server(quick());
    auto client = server.connect_plain();
    const auto begin = clock::now();
    client.send(hello_begun);
    auto closed = std::async(std::launch::async, [&] { return client.is_closed_by_server(); });
    while (closed.wait_for(30ms) == std::future_status::timeout && seconds_since(begin) < 5)
        (void)::send(client.descriptor(), "x", 1, MSG_NOSIGNAL);
    EXPECT_GE(seconds_since(begin), 0.25);
    EXPECT_LT(seconds_since(begin), 3);
}

TEST(TlsPeer, ThatSpeaksPlainHttp_IsClosedWithoutAReply) {
    const tls_server server(quick());
    auto client = server.connect_plain();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto bytes = client.receive_until_closed();
    EXPECT_FALSE(contains(bytes, "HTTP")) << bytes;
    EXPECT_EQ(server.record->dispatched, 0);
}

TEST(TlsPeer, LeftIdle_IsToldThatTheConnectionEnds) {
    const tls_server server(quick());
    auto idle = server.connect();
    EXPECT_EQ(idle.request("GET", "/").status, 200U);
    EXPECT_TRUE(idle.is_closed_by_server());
    EXPECT_TRUE(idle.tls().ended_properly());
    auto last = server.connect();
    (void)last.request("GET", "/", {{"Connection", "close"}});
    EXPECT_TRUE(last.is_closed_by_server());
    EXPECT_TRUE(last.tls().ended_properly());
}

TEST(TlsPeer, ThatIsSilentWhenTheServerStops_DoesNotKeepIt) {
    tls_server server;
    const auto silent = server.connect_plain();
    auto busy = server.connect();
    EXPECT_EQ(busy.request("GET", "/").status, 200U);
    const auto begin = clock::now();
    EXPECT_TRUE(server.server.stop(4s));
    EXPECT_LT(seconds_since(begin), 2);
}

// The time that 99 of 100 requests over one connection take at most.
std::chrono::duration<double> p99_of(http_connection& client) {
    std::vector<std::chrono::duration<double>> times;
    for (int i = 0; i < 1000; ++i) {
        const auto begin = clock::now();
        EXPECT_EQ(client.request("GET", "/").status, 200U);
        times.emplace_back(clock::now() - begin);
    }
    std::ranges::sort(times);
    return times[times.size() * 99 / 100];
}

TEST(TlsPeer, SlowInWhateverWay_DelaysNobodyElse) {
    const tls_server server; // the ordinary deadlines: they are all there until the end
    auto client = server.connect();
    (void)p99_of(client); // warm
    const auto alone = p99_of(client);

    std::vector<http_connection> slow;
    for (int i = 0; i < 50; ++i) {
        slow.push_back(server.connect_plain()); // silent
        slow.push_back(server.connect_plain());
        slow.back().send(hello_begun);
        slow.push_back(server.connect());
        slow.back().send("GET / HTTP/1.1\r\nHost: a\r\nX-Test: ");
        slow.push_back(server.connect());
        slow.back().send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
        slow.push_back(server.connect());
        for (int j = 0; j < 8; ++j)
            slow.back().send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    const std::jthread trickle([&slow](const std::stop_token& stopped) {
        for (; !stopped.stop_requested(); std::this_thread::sleep_for(10ms))
            for (std::size_t i = 1; i < slow.size(); i += 5)
                (void)::send(slow[i].descriptor(), "x", 1, MSG_NOSIGNAL);
    });
    const auto beside = p99_of(client);
    // Loosely: what this machine does else counts too.
    EXPECT_LT(beside.count(), 2 * alone.count() + 0.01);
}

} // namespace
} // namespace countersign::net
