// Imports: a line becomes a subject, once; the report says what became of each; of any length, in
// constant memory.
#include "core/crypto/digest.hpp"
#include "core/crypto/encoding.hpp"
#include "core/import_line.hpp"
#include "store/connection.hpp"
#include "store/managed_redis.hpp"
#include "tests/contract/service.hpp"
#include "tests/support/store_fixture.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

namespace countersign::tests {
namespace {

namespace json = boost::json;

constexpr std::string_view imports = "/api/service/v1/imports";
constexpr std::string_view a_secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
constexpr std::string_view another_secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

std::string line_of(std::string_view subject, json::object more = {}) {
    json::object line{{"subject", subject}, {"email", address_of(subject)}};
    for (const auto& [name, value] : more)
        line[name] = value;
    return json::serialize(line) + '\n';
}

std::string totp_uri(std::string_view secret, std::string_view parameters = {}) {
    return "otpauth://totp/Acme:ada?secret=" + std::string(secret) + std::string(parameters);
}

std::vector<json::object> rows_of(const http_response& response) {
    EXPECT_EQ(response.status, 200u) << response.body;
    EXPECT_EQ(response.header("Content-Type"), "application/x-ndjson");
    std::vector<json::object> rows;
    std::istringstream lines(response.body);
    for (std::string line; std::getline(lines, line);)
        rows.push_back(json::parse(line).as_object());
    return rows;
}

json::object summary_of(const http_response& response) {
    return rows_of(response).back().at("summary").as_object();
}

json::object counts(int lines, int created, int unchanged, int rejected) {
    return {{"lines", lines},       {"created", created}, {"unchanged", unchanged},
            {"rejected", rejected}, {"failed", 0},        {"stopped", false}};
}

// "status" or "status code" of each line, without the summary.
std::vector<std::string> verdicts_of(const http_response& response) {
    std::vector<std::string> verdicts;
    for (const auto& row : rows_of(response)) {
        if (row.contains("summary")) continue;
        const auto code = text_in(row, "code");
        verdicts.push_back(std::to_string(row.at("line").as_int64()) + " " +
                           text_in(row, "status") + (code.empty() ? "" : " " + code));
    }
    return verdicts;
}

std::string oathtool(const std::string& words) {
    const auto line = "oathtool " + words;
    std::FILE* out = ::popen(line.c_str(), "r"); // NOLINT(cert-env33-c): a test's own words
    std::array<char, 64> text{};
    const bool answered =
        out != nullptr && std::fgets(text.data(), static_cast<int>(text.size()), out) != nullptr;
    if (out == nullptr || ::pclose(out) != 0 || !answered)
        throw std::runtime_error(line + " failed");
    return std::string(text.data()).substr(0, std::string_view(text.data()).find('\n'));
}

std::string sha256_of(std::string_view text) {
    return core::to_hex(core::sha256(core::bytes_of(text)));
}

TEST(ServiceImport, Lines_BecomeSubjects) {
    const auto backend = backend_of();
    const auto plain = service_client::fresh_subject();
    const auto full = service_client::fresh_subject();
    const auto reply = backend.import(
        line_of(plain) + "\r\n" +
        line_of(full, {{"name", "Ada"},
                       {"locale", "de-at"},
                       {"totp", json::array{totp_uri(a_secret, "&issuer=Acme")}},
                       {"backupCodes", json::array{sha256_of("one"), sha256_of("two")}}}));
    EXPECT_EQ(reply.body, R"({"line":1,"subject":")" + plain + R"(","status":"created"})" + "\n" +
                              R"({"line":3,"subject":")" + full + R"(","status":"created"})" +
                              "\n" +
                              R"({"summary":{"lines":2,"created":2,"unchanged":0,"rejected":0,)" +
                              R"("failed":0,"stopped":false}})" + "\n");
    const auto plain_view = backend.view(plain);
    EXPECT_EQ(text_in(plain_view, "name"), plain);
    EXPECT_EQ(texts_of(json::array{plain_view.at("factors").at(0).at("id")}),
              std::vector<std::string>{"email"});
    const auto view = backend.view(full);
    EXPECT_EQ(text_in(view, "name"), "Ada");
    EXPECT_EQ(text_in(view, "locale"), "de-AT");
    EXPECT_EQ(view.at("factors").as_array().size(), 1u);
    EXPECT_EQ(text_in(view.at("factors").at(0).as_object(), "label"), "Acme (ada)");
    EXPECT_EQ(view.at("backupCodesRemaining"), 2);
}

TEST(ServiceImport, SentAgain_ChangesNothing) {
    const auto backend = backend_of();
    const auto subject = service_client::fresh_subject();
    const auto line = line_of(subject, {{"totp", json::array{totp_uri(a_secret)}},
                                        {"backupCodes", json::array{sha256_of("used")}}});
    EXPECT_EQ(summary_of(backend.import(line)), counts(1, 1, 0, 0));
    expect_verified(backend.verify(subject, "used"), "backup_code", 0);
    EXPECT_EQ(summary_of(backend.import(line)), counts(1, 0, 1, 0));
    expect_not_verified(backend.verify(subject, "used"), "wrong_code");
}

TEST(ServiceImport, ImportedApps_VerifyAsOathtoolSaysThem) {
    const auto backend = backend_of();
    const auto subject = service_client::fresh_subject();
    EXPECT_EQ(summary_of(backend.import(line_of(
                  subject,
                  {{"totp", json::array{totp_uri(a_secret, "&algorithm=SHA256&digits=8&period=60"),
                                        totp_uri(another_secret, "&algorithm=SHA512")}}}))),
              counts(1, 1, 0, 0));
    const auto code_of_first = oathtool("--totp=sha256 -d 8 -s 60s -b " + std::string(a_secret));
    EXPECT_EQ(code_of_first.size(), 8u);
    const auto code_of_second = oathtool("--totp=sha512 -b " + std::string(another_secret));
    expect_verified(backend.verify(subject, code_of_first), "totp", 0);
    expect_not_verified(backend.verify(subject, code_of_first), "wrong_code");
    expect_verified(backend.verify(subject, code_of_second), "totp", 0);
    expect_not_verified(backend.verify(subject, oathtool("--totp -b " + std::string(a_secret))),
                        "wrong_code");
}

TEST(ServiceImport, ImportedBackupCodes_AreRightOnce_T05) {
    const auto backend = backend_of();
    const auto subject = service_client::fresh_subject();
    const json::array digests{sha256_of("Alpha-Bravo"), "SHA256:" + sha256_of("0123 4567")};
    EXPECT_EQ(summary_of(backend.import(line_of(
                  subject, {{"totp", json::array{totp_uri(a_secret)}}, {"backupCodes", digests}}))),
              counts(1, 1, 0, 0));
    expect_verified(backend.verify(subject, "0123 4567"), "backup_code", 1);
    expect_not_verified(backend.verify(subject, "0123 4567"), "wrong_code");
    // The digest itself is no code.
    expect_not_verified(backend.verify(subject, sha256_of("Alpha-Bravo")), "wrong_code");
    expect_verified(backend.verify(subject, "Alpha-Bravo"), "backup_code", 0);
}

TEST(ServiceImport, BrokenLines_AreRejected_AndTheOthersAreNot) {
    const auto backend = backend_of();
    std::vector<std::string> good;
    for (int count = 0; count < 4; ++count)
        good.push_back(service_client::fresh_subject());
    const std::string padding(core::import_line_size_max, ' ');
    const auto text =
        line_of(good[0]) + "nonsense\n" + line_of(good[1]) +
        "{\"subject\":\"x\",\"email\":\"x@example.org\"}" + padding + "\n" +
        std::string(1024 * 1024, 'x') + "\n" + R"({"subject":"x","email":"nowhere"})" + "\n" +
        R"({"subject":"a/b","email":"x@example.org"})" + "\n" +
        R"({"subject":"user_0123456789abcdef0123456789abcdef","email":"x@y.example"})" + "\n" +
        line_of(good[2], {{"totp", json::array{"otpauth://hotp/x?secret=A"}}}) +
        line_of(good[2], {{"admin", true}}) +
        line_of(good[2], {{"backupCodes", json::array{sha256_of("x")}}}) + line_of(good[2]) +
        "\xff\xfe\n" + line_of(good[3]).substr(0, 20) + "\n" + line_of(good[3]);
    const auto reply = backend.import(text);
    EXPECT_EQ(
        verdicts_of(reply),
        (std::vector<std::string>{
            "1 created", "2 rejected malformed_json", "3 created", "4 rejected line_too_long",
            "5 rejected line_too_long", "6 rejected invalid_email", "7 rejected invalid_subject",
            "8 rejected invalid_subject", "9 rejected invalid_totp", "10 rejected unknown_member",
            "11 rejected invalid_backup_code", "12 created", "13 rejected malformed_json",
            "14 rejected malformed_json", "15 created"}));
    EXPECT_EQ(summary_of(reply), counts(15, 4, 0, 11));
    for (const auto& row : rows_of(reply))
        if (text_in(row, "status") == "rejected")
            expect_shape(row, {{"line", kind::number},
                               {"status", kind::text},
                               {"code", kind::text},
                               {"detail", kind::text}});
    for (const auto& subject : good)
        EXPECT_EQ(backend.read(subject).status, 200u);
}

TEST(ServiceImport, DevicesWeakerThanPolicyAllows_AreRejected) {
    const auto backend = backend_of(service_world(
        {{"policy.import_secret_bits_min", "112"}, {"policy.import_period_max", "120"}}));
    const auto subject = service_client::fresh_subject();
    const auto reply = backend.import(
        line_of(subject, {{"totp", json::array{totp_uri("JBSWY3DPEHPK3PXP")}}}) +
        line_of(subject, {{"totp", json::array{totp_uri(a_secret, "&period=121")}}}) +
        line_of(subject, {{"totp", json::array{totp_uri(a_secret, "&period=120")}}}));
    EXPECT_EQ(verdicts_of(reply),
              (std::vector<std::string>{"1 rejected secret_too_short", "2 rejected period_too_long",
                                        "3 created"}));
}

TEST(ServiceImport, LineOfTheLargestSize_IsTaken) {
    const auto backend = backend_of();
    const auto subject = service_client::fresh_subject();
    auto line = line_of(subject);
    line.insert(1, core::import_line_size_max + 1 - line.size(), ' ');
    EXPECT_EQ(line.size(), core::import_line_size_max + 1); // with its end
    EXPECT_EQ(summary_of(backend.import(line)), counts(1, 1, 0, 0));
}

TEST(ServiceImport, OneSubjectTwice_IsCreatedByTheFirstLine) {
    const auto backend = backend_of();
    const auto subject = service_client::fresh_subject();
    const auto other = service_client::fresh_subject();
    const auto reply = backend.import(
        line_of(subject) + line_of(subject) + line_of(subject, {{"email", "else@example.org"}}) +
        line_of(subject, {{"totp", json::array{totp_uri(a_secret)}}}) +
        line_of(other, {{"email", address_of(subject)}}) + line_of(other));
    EXPECT_EQ(verdicts_of(reply),
              (std::vector<std::string>{"1 created", "2 unchanged", "3 rejected subject_differs",
                                        "4 rejected subject_differs", "5 rejected email_taken",
                                        "6 created"}));
    EXPECT_EQ(text_in(rows_of(reply).at(4), "subject"), other);
}

TEST(ServiceImport, WithoutLines_IsAnEmptyReport) {
    const auto backend = backend_of();
    EXPECT_EQ(summary_of(backend.import("")), counts(0, 0, 0, 0));
    EXPECT_EQ(summary_of(backend.import("\n\r\n")), counts(0, 0, 0, 0));
}

TEST(ServiceImport, MediaType_IsChecked) {
    const auto backend = backend_of();
    for (const auto* good : {"application/x-ndjson; charset=utf-8", "application/ndjson",
                             "APPLICATION/JSONL", "text/plain"})
        EXPECT_EQ(backend.call("POST", imports, "\n", {{"Content-Type", good}}).status, 200u)
            << good;
    for (const auto* bad :
         {"application/json", "application/x-www-form-urlencoded", "multipart/form-data", "x"})
        expect_problem(backend.call("POST", imports, "\n", {{"Content-Type", bad}}), 415,
                       "unsupported_media_type");
}

TEST(ServiceImport, ConnectionStaysOpenForMore) {
    const auto backend = backend_of();
    const auto subject = service_client::fresh_subject();
    http_connection kept(backend.port);
    auto headers = backend.credentials();
    headers.emplace_back("Content-Type", "application/x-ndjson");
    EXPECT_EQ(summary_of(kept.request("POST", imports, headers, line_of(subject))),
              counts(1, 1, 0, 0));
    EXPECT_EQ(kept.request("GET", service_client::path_of(subject), backend.credentials()).status,
              200u);
}

TEST(ServiceImport, WhoMayNot_IsToldBeforeTheBodyIsSent) {
    const auto backend = backend_with("manage,verify,sessions");
    http_connection connection(backend.port);
    connection.send("POST " + std::string(imports) +
                    " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + backend.key +
                    "\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n");
    expect_problem(connection.receive(), 403, "insufficient_scope");
}

TEST(ServiceImport, BodyThatBreaksOff_KeepsTheLinesBefore) {
    const auto backend = backend_of();
    const auto subject = service_client::fresh_subject();
    const auto line = line_of(subject);
    std::ostringstream chunk;
    chunk << std::hex << line.size() << "\r\n" << line << "\r\n";
    http_connection connection(backend.port);
    connection.send("POST " + std::string(imports) +
                    " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + backend.key +
                    "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk.str());
    // Lines wait for a batch, or for the end of the body.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    connection.send("zz\r\n");
    const auto reply = connection.receive();
    expect_problem(reply, 400, "malformed_request");
    EXPECT_NE(reply.body.find("send all of it again"), std::string::npos);
    EXPECT_EQ(backend.read(subject).status, 200u);
    EXPECT_EQ(summary_of(backend.import(line)), counts(1, 0, 1, 0));
}

TEST(ServiceImport, WhileTheStoreIsAway_StopsAndSaysWhere) {
    world home(with_service());
    const auto backend = backend_of(home);
    std::string text = "broken\n";
    std::vector<std::string> subjects;
    for (int count = 0; count < 300; ++count)
        text += line_of(subjects.emplace_back(service_client::fresh_subject()));
    // The key must be known to this connection's worker, or it is refused at once.
    http_connection kept(backend.port, "127.0.0.1", std::chrono::seconds(60));
    ASSERT_EQ(kept.request("GET", service_client::path_of("nobody"), backend.credentials()).status,
              404u);
    const auto redis = home.server.redis_process();
    ASSERT_EQ(::kill(redis, SIGSTOP), 0);
    auto headers = backend.credentials();
    headers.emplace_back("Content-Type", "application/x-ndjson");
    const auto begun = std::chrono::steady_clock::now();
    const auto stopped = kept.request("POST", imports, headers, text);
    const auto lasted = std::chrono::steady_clock::now() - begun;
    ASSERT_EQ(::kill(redis, SIGCONT), 0);

    EXPECT_GE(lasted, std::chrono::seconds(7));
    EXPECT_LE(lasted, std::chrono::seconds(25));
    const auto verdicts = verdicts_of(stopped);
    ASSERT_EQ(verdicts.size(), 64u); // one batch
    EXPECT_EQ(verdicts.at(0), "1 rejected malformed_json");
    EXPECT_EQ(verdicts.at(1), "2 failed store_unavailable");
    const auto summary = summary_of(stopped);
    EXPECT_EQ(summary.at("failed"), 63);
    EXPECT_EQ(summary.at("stopped"), true);
    EXPECT_EQ(summary.at("stoppedAtLine"), 2);

    // Everything again: what the store had taken after all is unchanged.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    auto again = backend.import(text);
    while (again.status != 200 && std::chrono::steady_clock::now() < deadline)
        again = backend.import(text);
    const auto counted = summary_of(again);
    EXPECT_EQ(counted.at("created").as_int64() + counted.at("unchanged").as_int64(), 300);
    // Another thread of the server may still be on its way back to the store.
    auto last = backend.read(subjects.back());
    while (last.status == 500 && std::chrono::steady_clock::now() < deadline)
        last = backend.read(subjects.back());
    EXPECT_EQ(last.status, 200u);
}

TEST(ServiceImport, ThroughAStoreThatIsBackSoon_LosesNothing) {
    world home(with_service());
    const auto backend = backend_of(home);
    std::string text;
    for (int count = 0; count < 3000; ++count)
        text += line_of(service_client::fresh_subject());
    const auto redis = home.server.redis_process();
    std::thread pause([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        (void)::kill(redis, SIGSTOP);
        std::this_thread::sleep_for(std::chrono::seconds(3));
        (void)::kill(redis, SIGCONT);
    });
    http_connection kept(backend.port, "127.0.0.1", std::chrono::seconds(60));
    auto headers = backend.credentials();
    headers.emplace_back("Content-Type", "application/x-ndjson");
    const auto reply = kept.request("POST", imports, headers, text);
    pause.join();
    const auto summary = summary_of(reply);
    EXPECT_EQ(summary.at("stopped"), false) << summary;
    EXPECT_EQ(summary.at("created").as_int64() + summary.at("unchanged").as_int64(), 3000)
        << summary;
}

// The largest that the server has been, in KiB (proc(5)).
long peak_memory_kib(const server_process& server) {
    std::ifstream status("/proc/" + std::to_string(server.process()) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
    return 0;
}

// Every account's fields in Redis, one after the other, as one digest.
std::string accounts_digest(const server_process& server) {
    boost::asio::io_context context(1);
    store::connection_options options;
    options.address = store::managed_redis_address(server.data_dir() / "data" / "redis");
    test_connection redis(context, options);
    const auto ask = [&](std::vector<std::string> words) {
        auto reply = run_coroutine(context, redis->command(std::move(words)));
        if (!reply) throw std::runtime_error("Redis does not answer");
        return *std::move(reply);
    };
    std::map<std::string, std::string> documents;
    std::string cursor = "0";
    do {
        const auto page = ask({"SCAN", cursor, "MATCH", "cs:{*}:account:*", "COUNT", "1000"});
        cursor = *page.list()->at(0).text();
        for (const auto& key : *page.list()->at(1).list()) {
            std::string all;
            const auto fields = ask({"HGETALL", *key.text()});
            for (const auto& field : *fields.list())
                all += *field.text() + '\n';
            documents[*key.text()] = std::move(all);
        }
    } while (cursor != "0");
    std::string everything = std::to_string(documents.size());
    for (const auto& [key, document] : documents)
        everything += key + document;
    return everything.substr(0, everything.find("cs:")) + " accounts " + sha256_of(everything);
}

std::string large_import(int lines, std::string_view prefix) {
    std::string text;
    for (int number = 0; number < lines; ++number) {
        const auto subject = std::string(prefix) + std::to_string(number);
        json::array digests;
        for (int code = 0; code < 10; ++code)
            digests.emplace_back(sha256_of(subject + std::to_string(code)));
        std::string secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for (std::size_t at = 0, rest = static_cast<std::size_t>(number) + 1; rest != 0; rest /= 26)
            secret[at++] = static_cast<char>('A' + rest % 26);
        text += line_of(subject, {{"name", "Somebody With a Name"},
                                  {"totp", json::array{totp_uri(secret, "&issuer=Acme")}},
                                  {"backupCodes", digests}});
    }
    return text;
}

TEST(ServiceImport, TwentyThousandLinesTwice_InConstantMemory_AndTheSecondTimeNothingChanges) {
    constexpr int lines = 20'000;
    world home(with_service());
    const auto backend = backend_of(home);
    ASSERT_EQ(summary_of(backend.import(large_import(500, "warm"))), counts(500, 500, 0, 0));
    const auto text = large_import(lines, "s");
    const auto before = peak_memory_kib(home.server);

    // The client sends all before it reads anything.
    http_connection connection(backend.port, "127.0.0.1", std::chrono::seconds(100));
    auto headers = backend.credentials();
    headers.emplace_back("Content-Type", "application/x-ndjson");
    const auto begun = std::chrono::steady_clock::now();
    const auto first = connection.request("POST", imports, headers, text);
    const std::chrono::duration<double> lasted = std::chrono::steady_clock::now() - begun;
    EXPECT_EQ(summary_of(first), counts(lines, lines, 0, 0));
    const auto made = accounts_digest(home.server);
    EXPECT_TRUE(made.starts_with("20500 accounts ")) << made;

    // Now in chunks of an odd size.
    std::string chunked = "POST " + std::string(imports) +
                          " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + backend.key +
                          "\r\nTransfer-Encoding: chunked\r\n\r\n";
    constexpr std::size_t chunk_size = 7001;
    for (std::size_t at = 0; at < text.size(); at += chunk_size) {
        const auto piece = std::string_view(text).substr(at, chunk_size);
        std::ostringstream size;
        size << std::hex << piece.size();
        chunked.append(size.str()).append("\r\n").append(piece).append("\r\n");
    }
    const auto begun_again = std::chrono::steady_clock::now();
    connection.send(chunked + "0\r\n\r\n");
    const auto second = connection.receive();
    const std::chrono::duration<double> lasted_again =
        std::chrono::steady_clock::now() - begun_again;
    EXPECT_EQ(summary_of(second), counts(lines, 0, lines, 0));
    EXPECT_EQ(accounts_digest(home.server), made);

    const auto grown = peak_memory_kib(home.server) - before;
    RecordProperty("body_bytes", std::to_string(text.size()));
    RecordProperty("first_s", std::to_string(lasted.count()));
    RecordProperty("second_s", std::to_string(lasted_again.count()));
    RecordProperty("grown_kib", std::to_string(grown));
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
    // A sanitizer keeps what was freed for a while.
    EXPECT_LT(grown, 8 * 1024) << "KiB, of a body of " << text.size() << " bytes";
#endif
    expect_verified(backend.verify("s19999", "s199993"), "backup_code", 9);
}

} // namespace
} // namespace countersign::tests
