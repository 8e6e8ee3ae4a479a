// The whole server on a Redis Cluster: what a backend and a person notice of it is nothing.
#include "tests/contract/service.hpp"
#include "tests/support/redis_cluster.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <vector>

namespace countersign::tests {
namespace {

namespace json = boost::json;

constexpr std::string_view secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

std::string import_line(std::string_view subject) {
    return json::serialize(json::object{
               {"subject", subject},
               {"email", address_of(subject)},
               {"totp", json::array{"otpauth://totp/Acme:ada?secret=" + std::string(secret)}}}) +
           '\n';
}

TEST(ServerOnARedisCluster, ImportsVerifiesRefusesReplays_AndTellsOfAFactorThatIsGone) {
    const redis_cluster nodes(append_only::always);
    world home(with_service({{"redis.url", nodes.url()}, {"redis.limits_url", nodes.url()}}));
    const auto backend = backend_of(home);
    std::vector<std::string> subjects;
    std::string lines;
    for (int i = 0; i < 24; ++i) {
        subjects.push_back(service_client::fresh_subject());
        lines += import_line(subjects.back());
    }
    const auto report = backend.import(lines);
    EXPECT_EQ(report.status, 200u);
    EXPECT_NE(report.body.find(R"("created":24,)"), std::string::npos) << report.body;
    for (std::size_t node = 0; node < nodes.size(); ++node)
        EXPECT_GT(*nodes.ask(node, {"DBSIZE"}).integer(), 0) << "node " << node;

    const auto again = backend.import(lines);
    EXPECT_NE(again.body.find(R"("unchanged":24,)"), std::string::npos) << again.body;

    for (const auto& subject : subjects) {
        authenticator app(secret, service_window);
        expect_verified(backend.verify(subject, app.next()), "totp", 0);
        expect_not_verified(backend.verify(subject, app.last()), "wrong_code");
        expect_204(backend.about(subject, "DELETE", "/factors"));
    }
    for (const auto& subject : subjects) {
        const auto mails = mails_to(home, address_of(subject), "Was Reset", 1);
        EXPECT_EQ(mails.size(), 1u);
        EXPECT_EQ(backend.view(subject).at("secondFactor"), false);
    }
}

TEST(ServerOnARedisCluster, AServiceKey_IsMadeListedAndRevoked) {
    const redis_cluster nodes;
    world home(with_service({{"redis.url", nodes.url()}}));
    const auto made = make_service_key(COUNTERSIGN_PROGRAM, home.server);
    const service_client backend{.port = home.server.port(), .key = made.key};
    const auto subject = backend.subject_with_email();
    EXPECT_EQ(backend.read(subject).status, 200u);
    revoke_service_key(COUNTERSIGN_PROGRAM, home.server, made.id);
    wait_a_second(); // the server keeps a key that it has seen for so long
    EXPECT_EQ(backend.read(subject).status, 401u);
}

TEST(ServerOnARedisCluster, ACodeThatOneServerTook_IsRefusedByAnother_T01) {
    const redis_cluster nodes;
    const auto settings = with_service({{"redis.url", nodes.url()}});
    world home(settings);
    auto of_another = settings;
    of_another["mail.notifier"] = "false";
    of_another["policy.totp_window"] = std::to_string(service_window);
    const server_process another(COUNTERSIGN_PROGRAM, of_another, home.server.keys());
    const auto backend = backend_of(home);
    const service_client beside{.port = another.port(), .key = backend.key};
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);

    expect_verified(beside.verify(subject, enrolled.app.next()), "totp", 10);
    expect_not_verified(backend.verify(subject, enrolled.app.last()), "wrong_code");
    expect_verified(backend.verify(subject, enrolled.app.next()), "totp", 10);
    expect_not_verified(beside.verify(subject, enrolled.app.last()), "wrong_code");
}

} // namespace
} // namespace countersign::tests
