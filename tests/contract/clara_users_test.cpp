// Users at the Clara family: reading, changing, listing and deleting them (contract section 1.3).
#include "tests/contract/clara.hpp"

#include <set>

namespace countersign::tests {
namespace {

TEST(ClaraUsers, AUser_ReadsItself) {
    auto who = newcomer();
    who.sign_up(); // inactive will do
    const auto response = who.as_user("GET", who.by_id());
    expect_success(response, 200, "User fetched successfully.", who.read());
    const auto user = json_of(response).at("data").as_object();
    expect_shape(user, clara_user_shape());
    EXPECT_EQ(text_in(user, "id"), who.id);
    EXPECT_EQ(text_in(user, "email"), who.email);
}

TEST(ClaraUsers, AUserOfOneName_HasNoLastName) {
    auto& home = clara_world();
    native_client native;
    native.port = home.server.port();
    native.email = native_client::fresh_email();
    const auto body = R"({"email":")" + native.email + R"(","password":")" + native.password +
                      R"(","name":"Prince"})";
    ASSERT_EQ(native.call("POST", "/api/auth/register?send-email=false", body).status, 200u);
    clara_client who(native.port, home.sink);
    who.email = native.email;
    who.password = native.password;
    const auto login = who.log_in_with(who.two_factor_code());
    const auto user = json_of(login).at("data").as_object();
    EXPECT_EQ(user.at("first_name"), "Prince");
    EXPECT_TRUE(user.at("last_name").is_null());
}

TEST(ClaraUsers, AnotherUser_IsForbiddenToAUserAndOpenToThePrivateKey) {
    auto who = active_user();
    auto other = active_user();
    for (const auto* method : {"GET", "PATCH"}) {
        const std::string body = method == std::string_view("GET") ? "" : R"({"first_name":"Eve"})";
        for (const auto& target :
             {other.by_id(), std::string("/users/user_00000000000000000000000000000000"),
              std::string("/users/") + who.email})
            expect_refusal(who.as_user(method, target, body), 403, says_forbidden);
        expect_refusal(who.as_administrator(method, "/users/nobody", body), 404, says_no_user);
        expect_refusal(
            who.as_administrator(method, "/users/user_00000000000000000000000000000000", body), 404,
            says_no_user);
    }
    EXPECT_EQ(other.read().at("first_name"), "Ada");
}

TEST(ClaraUsers, AnUpdate_ChangesWhatItNames) {
    auto who = newcomer();
    who.sign_up();
    const auto change = [&](std::string_view body) {
        const auto response = who.as_user("PATCH", who.by_id(), body);
        expect_success(response, 200, "User updated successfully.", who.read());
        return who.read();
    };
    EXPECT_EQ(change(R"({"first_name":"Grace"})").at("last_name"), "Lovelace");
    EXPECT_EQ(change(R"({"last_name":"van der Hopper"})").at("first_name"), "Grace");
    EXPECT_EQ(who.read().at("last_name"), "van der Hopper");
    EXPECT_EQ(change(R"({"is_dark_mode":false})").at("is_dark_mode"), false);
    const auto all = change(R"({"first_name":"Mary Ann","last_name":"Doe","is_dark_mode":true})");
    EXPECT_EQ(all.at("first_name"), "Mary Ann");
    EXPECT_EQ(all.at("last_name"), "Doe");
    EXPECT_EQ(all.at("is_dark_mode"), true);
    EXPECT_EQ(who.as_administrator("PATCH", who.by_id(), R"({"first_name":"Ida"})").status, 200u);
    EXPECT_EQ(who.read().at("first_name"), "Ida");
}

TEST(ClaraUsers, AnUpdateOfAnythingElse_IsRefusedAsAWhole) {
    auto who = active_user();
    const auto before = who.read();
    for (const auto* empty : {"", "{}", "null"})
        expect_refusal(who.as_user("PATCH", who.by_id(), empty), 400, says_empty);
    for (const auto* name :
         {"id", "email", "stripe_customer_id", "password", "credits", "is_2fa_enabled", "is_active",
          "created_at", "updated_at", "email_verified", "unheard_of"}) {
        SCOPED_TRACE(name);
        const auto body = boost::json::serialize(boost::json::object{
            {"first_name", "Eve"}, {name, before.contains(name) ? before.at(name) : "x"}});
        expect_refusal(who.as_user("PATCH", who.by_id(), body), 400, says_schema);
        expect_refusal(who.as_administrator("PATCH", who.by_id(), body), 400, says_schema);
    }
    for (const auto* body :
         {"{", "[1]", R"({"first_name":1})", R"({"first_name":null})", R"({"first_name":""})",
          R"({"last_name":""})", R"({"last_name":"a\nb"})", R"({"is_dark_mode":"true"})",
          R"({"is_dark_mode":1})"})
        expect_refusal(who.as_user("PATCH", who.by_id(), body), 400, says_schema);
    const auto long_name = boost::json::serialize(
        boost::json::object{{"first_name", std::string(100, 'x')}}); // with the last name too long
    expect_refusal(who.as_user("PATCH", who.by_id(), long_name), 400, says_schema);
    EXPECT_EQ(who.read(), before);
}

TEST(ClaraUsers, Deleting_LeavesNothing) {
    auto who = active_user();
    expect_refusal(who.as_user("DELETE", who.by_id()), 401, says_unauthenticated);
    expect_refusal(who.as_client("DELETE", who.by_id()), 401, says_unauthenticated);

    expect_no_content(who.as_administrator("DELETE", who.by_id()));

    expect_refusal(who.as_administrator("DELETE", who.by_id()), 404, says_no_user);
    expect_refusal(who.as_administrator("GET", who.by_id()), 404, says_no_user);
    expect_refusal(who.as_user("GET", who.by_id()), 401, says_unauthenticated);
    expect_refusal(who.log_in(), 401, says_unauthenticated);
    expect_refusal(who.ask_for_code("ACTIVATION"), 404, says_no_user);
    EXPECT_EQ(who.register_account().status, 201u); // the address is free again
}

TEST(ClaraUsers, Listing_ShowsEachUserOnceByPages) {
    world home(with_clara());
    std::set<std::string> registered;
    for (int count = 0; count < 12; ++count) {
        auto who = newcomer(home);
        who.sign_up();
        registered.insert(who.id);
    }
    auto administrator = newcomer(home);
    const auto page = [&](std::string_view query) {
        const auto response = administrator.as_administrator("GET", "/users" + std::string(query));
        const auto body = json_of(response);
        EXPECT_EQ(response.status, 200u);
        EXPECT_EQ(body.at("message"), "Users fetched successfully.");
        EXPECT_EQ(body.at("status"), "success");
        std::vector<std::string> ids;
        for (const auto& one : body.at("data").as_array()) {
            expect_shape(one.as_object(), clara_user_shape());
            ids.push_back(text_in(one.as_object(), "id"));
        }
        return ids;
    };

    EXPECT_EQ(page("").size(), 10u);
    EXPECT_EQ(page("?limit=100&offset=0").size(), 12u);
    EXPECT_EQ(page("?limit=100&offset=12").size(), 0u);
    std::set<std::string> seen;
    for (const auto* query : {"?limit=5&offset=0", "?limit=5&offset=5", "?offset=10&limit=5"})
        for (const auto& id : page(query))
            EXPECT_TRUE(seen.insert(id).second) << id;
    EXPECT_EQ(seen, registered);
    const auto text = administrator.as_administrator("GET", "/users?limit=100").body;
    EXPECT_EQ(text.find("argon2"), std::string::npos);
}

TEST(ClaraUsers, AListOfNoSensibleLength_IsRefused) {
    auto who = newcomer();
    for (const auto* query :
         {"?limit=0", "?limit=1001", "?limit=-1", "?limit=ten", "?limit=", "?limit=1e3",
          "?offset=-1", "?offset=100001", "?limit=10&offset=99999999999999999999", "?offset=+1"})
        expect_refusal(who.as_administrator("GET", "/users" + std::string(query)), 400,
                       says_schema);
}

} // namespace
} // namespace countersign::tests
