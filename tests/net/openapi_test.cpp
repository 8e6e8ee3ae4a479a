// The API document: what the generator makes of a description, what it refuses, and that every
// family's api.json fits its route table and its errors.
#include "net/families/clara/errors.hpp"
#include "net/families/service/errors.hpp"
#include "net/families/singularity/errors.hpp"
#include "net/families/slugbase/errors.hpp"
#include "net/openapi.hpp"
#include "tests/net/openapi_families.hpp"

#include <gtest/gtest.h>

#include <boost/beast/http/verb.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

namespace countersign::tests {

namespace {

namespace json = boost::json;
using boost::beast::http::verb;
using net::family_description;

const net::openapi_about about{
    .title = "Test", .version = "1", .description = "For tests.", .base_uri = "https://id.test"};

// An API of one route, whose parts the tests change.
json::object small_api() {
    return json::parse(R"({
      "tag": "Small", "description": "A small one.",
      "credentials": {"access": {"header": {"type": "http", "scheme": "bearer"},
                                 "cookie": {"type": "apiKey", "in": "cookie", "name": "a"}},
                      "proof": {"header": {"type": "apiKey", "in": "header", "name": "P"},
                                "cookie": {"type": "apiKey", "in": "cookie", "name": "p"}}},
      "schemas": {"Error": {"type": "object"}, "Thing": {"type": "object"}},
      "refusals": {
        "GARBLED": {"status": 401, "description": "Garbled.", "x-state": "but garbled",
                    "schema": {"$ref": "#/schemas/Error"}, "value": {"path": "{path}"}},
        "WRONG": {"status": 401, "description": "Wrong.", "x-state": "signed in",
                  "schema": {"$ref": "#/schemas/Error"}, "value": {"path": "{path}"}}},
      "operations": {"PUT /api/things/{id}": {
        "summary": "Change a thing", "description": "By its id.",
        "request": {"required": true, "schema": {"$ref": "#/schemas/Thing"},
                    "examples": {"one": {"value": {"name": "x"}}}},
        "responses": {"200": {
          "description": "Changed.", "schema": {"$ref": "#/schemas/Thing"},
          "examples": {"one": {"value": {"name": "x"}, "x-state": "signed in"}}}},
        "refusals": {"WRONG": ""}}}
    })")
        .as_object();
}

family_description small(const std::string& text) {
    return {.name = "small",
            .api = text,
            .routes = {{{verb::put, "/api/things/{id}"}, {{"access", "proof"}}, {"GARBLED"}}}};
}

json::object document_of(const std::vector<family_description>& families) {
    return json::parse(net::make_openapi(families, about)).as_object();
}

json::object document_of(const json::object& api) {
    const auto text = json::serialize(api);
    return document_of({small(text)});
}

// What make_openapi() throws; empty if it does not.
std::string complaint_of(const std::vector<family_description>& families) {
    try {
        (void)net::make_openapi(families, about);
    } catch (const std::logic_error& error) {
        return error.what();
    }
    return {};
}

std::string complaint_after(const std::function<void(json::object& api)>& change) {
    auto api = small_api();
    change(api);
    const auto text = json::serialize(api);
    return complaint_of({small(text)});
}

json::object& operation_in(json::object& api) {
    return api.at("operations").at("PUT /api/things/{id}").as_object();
}

json::value at(const json::object& document, std::string_view pointer) {
    return json::value(document).at_pointer(pointer);
}

constexpr std::string_view put = "/paths/~1api~1things~1{id}/put";

} // namespace

TEST(OpenApi, RouteAndText_BecomeAnOperation) {
    const auto document = document_of(small_api());
    EXPECT_EQ(at(document, "/openapi"), "3.1.0");
    EXPECT_EQ(at(document, "/servers"), json::parse(R"([{"url": "https://id.test"}])"));
    EXPECT_EQ(at(document, "/tags"),
              json::parse(R"([{"name": "Small", "description": "A small one."}])"));
    const auto operation = at(document, put).as_object();
    EXPECT_EQ(operation.at("tags"), json::parse(R"(["Small"])"));
    EXPECT_EQ(operation.at("operationId"), "small.putThingsById");
    EXPECT_EQ(at(operation, "/requestBody/required"), true);
    EXPECT_EQ(at(operation, "/requestBody/content/application~1json/schema/$ref"),
              "#/components/schemas/small.Thing");
    EXPECT_TRUE(document.at("components").at("schemas").as_object().contains("small.Thing"));
}

TEST(OpenApi, CredentialsOfTheRow_BecomeEveryCombinationOfTheirWays) {
    const auto document = document_of(small_api());
    EXPECT_EQ(at(document, std::string(put) + "/security"), json::parse(R"([
      {"small.access.header": [], "small.proof.header": []},
      {"small.access.cookie": [], "small.proof.header": []},
      {"small.access.header": [], "small.proof.cookie": []},
      {"small.access.cookie": [], "small.proof.cookie": []}])"));
    EXPECT_EQ(document.at("components").at("securitySchemes").as_object().size(), 4u);
}

TEST(OpenApi, CredentialsThatAreOptional_AllowNone) {
    const auto text = json::serialize(small_api());
    auto described = small(text);
    described.routes[0].credentials = {{}, {"access"}, {"proof"}};
    const auto security = at(document_of({described}), std::string(put) + "/security").as_array();
    EXPECT_EQ(security.size(), 5u);
    EXPECT_EQ(security.front(), json::object());
}

TEST(OpenApi, PathParameters_ComeFromThePattern) {
    EXPECT_EQ(at(document_of(small_api()), std::string(put) + "/parameters"), json::parse(R"([
      {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}])"));
}

TEST(OpenApi, DescribedPathParameter_IsTakenInPlace_AndItsExampleShownInRefusals) {
    auto api = small_api();
    operation_in(api)["parameters"] = json::parse(
        R"([{"name": "id", "in": "path", "schema": {"type": "string"}, "example": "t7"}])");
    const auto document = document_of(api);
    EXPECT_EQ(at(document, std::string(put) + "/parameters").as_array().size(), 1u);
    EXPECT_EQ(at(document, std::string(put) + "/responses/401/content/application~1json/examples/"
                                              "WRONG/value/path"),
              "/api/things/t7");
}

TEST(OpenApi, SharedPathParameter_CountsLikeOneInPlace) {
    auto api = small_api();
    api["parameters"] = json::parse(R"({"thing": {
        "name": "id", "in": "path", "schema": {"type": "string"}, "example": "t7"}})");
    operation_in(api)["parameters"] = json::parse(R"([{"$ref": "#/parameters/thing"}])");
    const auto document = document_of(api);
    EXPECT_EQ(at(document, std::string(put) + "/parameters"),
              json::parse(R"([{"$ref": "#/components/parameters/small.thing"}])"));
    EXPECT_EQ(at(document, "/components/parameters/small.thing/required"), true);
    EXPECT_EQ(at(document, std::string(put) + "/responses/401/content/application~1json/examples/"
                                              "WRONG/value/path"),
              "/api/things/t7");
}

TEST(OpenApi, RefusalsOfOneStatus_AreOneResponseWithAllExamples) {
    const auto refused = at(document_of(small_api()), std::string(put) + "/responses/401");
    const auto& media = refused.at("content").at("application/json").as_object();
    EXPECT_EQ(media.at("schema"), json::parse(R"({"$ref": "#/components/schemas/small.Error"})"));
    EXPECT_EQ(media.at("examples").at("GARBLED").at("x-state"), "but garbled");
    EXPECT_EQ(media.at("examples").at("WRONG").at("x-state"), "signed in");
    EXPECT_EQ(refused.at("description"), "- `GARBLED`: Garbled.\n- `WRONG`: Wrong.");
}

TEST(OpenApi, ConditionsOfTheOperation_ReplaceThoseOfTheRefusal) {
    auto api = small_api();
    operation_in(api)["refusals"] = json::parse(
        R"({"WRONG": {"x-state": "nobody", "x-send": {"query": "?a=b"}}, "GARBLED": "signed in"})");
    const auto examples = at(
        document_of(api), std::string(put) + "/responses/401/content/application~1json/examples");
    EXPECT_EQ(examples.at("WRONG").at("x-state"), "nobody");
    EXPECT_EQ(examples.at("WRONG").at("x-send").at("query"), "?a=b");
    EXPECT_EQ(examples.at("GARBLED").at("x-state"), "signed in");
}

TEST(OpenApi, RefusalWithoutABody_KeepsItsState) {
    auto api = small_api();
    api.at("refusals").as_object()["GARBLED"] =
        json::parse(R"({"status": 304, "description": "Already.", "x-state": "done already"})");
    const auto response = at(document_of(api), std::string(put) + "/responses/304").as_object();
    EXPECT_FALSE(response.contains("content"));
    EXPECT_EQ(response.at("x-examples").at("GARBLED").at("x-state"), "done already");
}

TEST(OpenApi, RouteOfTwoFamilies_IsTheFirstOnesAndNamesTheOther) {
    auto api = small_api();
    const auto text = json::serialize(api);
    api["tag"] = "Other";
    operation_in(api)["summary"] = "Something else";
    const auto other_text = json::serialize(api);
    auto other = small(other_text);
    other.name = "other";
    const auto operation = at(document_of({small(text), other}), put).as_object();
    EXPECT_EQ(operation.at("summary"), "Change a thing");
    EXPECT_EQ(operation.at("tags"), json::parse(R"(["Small", "Other"])"));
    EXPECT_NE(operation.at("description").as_string().find("Other"), std::string::npos);
}

TEST(OpenApi, WhatDoesNotFit_IsRefusedByName) {
    const auto with_operation = [](const std::function<void(json::object&)>& change) {
        return complaint_after([&](json::object& api) { change(operation_in(api)); });
    };
    const auto expect = [](const std::string& complaint, std::string_view words) {
        EXPECT_TRUE(complaint.starts_with("net/families/small/api.json: ")) << complaint;
        EXPECT_NE(complaint.find(words), std::string::npos) << complaint << "\nwithout " << words;
    };
    expect(complaint_after([](auto& api) { api.at("operations").as_object().clear(); }),
           "PUT /api/things/{id}");
    expect(complaint_after([](auto& api) {
               auto& all = api.at("operations").as_object();
               const auto twin = all.at("PUT /api/things/{id}");
               all["GET /api/none"] = twin;
           }),
           "GET /api/none: there is no such route");
    expect(complaint_after(
               [](auto& api) { api.at("schemas").as_object()["Unused"] = json::object(); }),
           "Unused");
    expect(complaint_after([](auto& api) { api["operation"] = 1; }), "'operation'");
    expect(complaint_after([](auto& api) { api.erase("tag"); }), "'tag' is missing");
    expect(complaint_after([](auto& api) { api.at("credentials").as_object().erase("proof"); }),
           "'proof' is not in 'credentials'");
    expect(complaint_after([](auto& api) { api.at("refusals").as_object().erase("GARBLED"); }),
           "'GARBLED' is not in 'refusals'");
    expect(with_operation([](auto& it) { it["refusals"] = json::parse(R"({"NONE": ""})"); }),
           "'NONE' is not in 'refusals'");
    expect(with_operation([](auto& it) {
               it.at("request").as_object()["schema"] = json::parse(R"({"$ref": "#/schemas/No"})");
           }),
           "'No' is not in 'schemas'");
    expect(with_operation([](auto& it) {
               it.at("request").as_object()["schema"] = json::parse(R"({"$ref": "other.json"})");
           }),
           "leaves the file");
    expect(with_operation([](auto& it) {
               it["parameters"] = json::parse(R"([{"name": "no", "in": "path"}])");
           }),
           "the path has no {no}");
    expect(with_operation([](auto& it) {
               it.at("responses").at_pointer("/200/examples/one").as_object().erase("x-state");
           }),
           "'x-state' is missing");
    expect(with_operation([](auto& it) { it.at("request").as_object().erase("examples"); }),
           "'examples' is missing");
}

TEST(OpenApi, TwoOperationsOfOneId_AreRefused) {
    auto api = small_api();
    auto& all = api.at("operations").as_object();
    operation_in(api)["id"] = "change";
    const auto twin = all.at("PUT /api/things/{id}");
    all["GET /api/things"] = twin;
    const auto text = json::serialize(api);
    auto described = small(text);
    described.routes.push_back({{verb::get, "/api/things"}, {{"access"}}, {}});
    EXPECT_NE(complaint_of({described}).find("small.change"), std::string::npos);
}

TEST(OpenApi, TextThatIsNotJson_IsRefused) {
    EXPECT_NE(complaint_of({small("{")}).find("not JSON"), std::string::npos);
}

TEST(OpenApi, EveryFamily_FitsItsRoutes) {
    std::set<std::string> named;
    for (const auto& family : described_families()) {
        EXPECT_EQ(complaint_of({family}), "") << family.name;
        EXPECT_TRUE(named.insert(std::string(family.name)).second) << family.name;
    }
    EXPECT_EQ(complaint_of(described_families()), "");
}

// The refusals of the native family are its catalogue's, word for word; only what is wrong with a
// request is said with more words than the catalogue has.
TEST(OpenApi, RefusalsOfTheNativeFamily_AreThoseOfItsCatalogue) {
    using net::singularity::error;
    using net::singularity::error_code;
    std::map<std::string, json::object> catalogue;
    for (int code = 0; code <= static_cast<int>(error_code::wrong_two_factor_code); ++code) {
        const auto reply =
            net::singularity::render(error(static_cast<error_code>(code)), "{path}", {});
        if (reply.body.empty()) continue;
        auto body = json::parse(reply.body).as_object();
        const std::string name(body.at("code").as_string());
        catalogue[name] = std::move(body);
    }
    const auto api = json::parse(net::singularity::describe().api).as_object();
    std::size_t compared = 0;
    for (const auto& [name, told] : api.at("refusals").as_object()) {
        if (told.at("status") == 304) continue;
        auto shown = told.at("value").as_object();
        // By its code, but for the one that is said in the words of another.
        const std::string code = name == "ENROLMENT_REQUIRED" ? "2FA_DISABLED" : std::string(name);
        ASSERT_TRUE(catalogue.contains(code)) << name;
        auto wanted = catalogue.at(code);
        EXPECT_EQ(told.at("status"), wanted.at("status")) << name;
        shown.erase("timestamp");
        wanted.erase("timestamp");
        if (name == "INVALID_REQUEST") wanted["message"] = shown.at("message");
        EXPECT_EQ(shown, wanted) << name;
        ++compared;
    }
    EXPECT_GT(compared, 30u);
}

TEST(OpenApi, RefusalsOfTheClaraFamily_AreThoseOfItsCatalogue) {
    using net::clara::error_code;
    const std::map<std::string, error_code> codes{
        {"EMPTY_BODY", error_code::empty_body},
        {"INVALID_SCHEMA", error_code::invalid_schema},
        {"USER_EXISTS", error_code::user_exists},
        {"NOT_AUTHENTICATED", error_code::not_authenticated},
        {"CODE_REFUSED", error_code::code_refused},
        {"WRONG_CODE", error_code::not_authenticated},
        {"NOT_ACTIVE", error_code::not_active},
        {"NOT_ALLOWED", error_code::not_allowed},
        {"ENROLMENT_REQUIRED", error_code::not_allowed},
        {"USER_NOT_FOUND", error_code::user_not_found},
        {"PAUSED", error_code::rate_limited},
        {"TOO_SOON", error_code::rate_limited},
        {"RATE_LIMITED", error_code::rate_limited},
        {"FAILED", error_code::failed},
        {"OVERLOADED", error_code::overloaded}};
    const auto api = json::parse(net::clara::describe().api).as_object();
    for (const auto& [name, told] : api.at("refusals").as_object()) {
        ASSERT_TRUE(codes.contains(name)) << name;
        const auto reply = net::clara::render(net::clara::error(codes.at(name)));
        EXPECT_EQ(told.at("status"), reply.status) << name;
        EXPECT_EQ(told.at("value"), json::parse(reply.body)) << name;
    }
    EXPECT_EQ(api.at("refusals").as_object().size(), codes.size());
}

TEST(OpenApi, RefusalsOfTheSlugbaseFamily_AreThoseOfItsCatalogue) {
    using net::slugbase::error_code;
    const std::map<std::string, error_code> codes{
        {"UNAUTHORIZED", error_code::unauthorized},
        {"CSRF_TOKEN_INVALID", error_code::csrf_token_invalid},
        {"MFA_PENDING_INVALID", error_code::mfa_pending_invalid},
        {"ATTEMPTS_PAUSED", error_code::too_many_mfa_attempts},
        {"SIGN_INS_PAUSED", error_code::too_many_sign_ins},
        {"IP_LIMIT", error_code::too_many_requests},
        {"IP_SIGN_IN_LIMIT", error_code::too_many_sign_ins},
        {"IP_MFA_LIMIT", error_code::too_many_mfa_attempts},
        {"IP_ENROLMENT_LIMIT", error_code::too_many_mfa_setups},
        {"IP_API_TOKEN_LIMIT", error_code::too_many_requests},
        {"REQUEST_FAILED", error_code::request_failed},
        {"SIGN_IN_FAILED", error_code::sign_in_failed},
        {"OVERLOADED", error_code::overloaded},
        {"CODE_TYPE", error_code::bad_request},
        {"EMAIL_TYPE", error_code::bad_request},
        {"NAME_REQUIRED", error_code::bad_request},
        {"CODE_REQUIRED", error_code::code_required},
        {"CREDENTIALS_REQUIRED", error_code::credentials_required},
        {"INVALID_CREDENTIALS", error_code::invalid_credentials},
        {"INVALID_CODE", error_code::invalid_code},
        {"INVALID_LOGIN_CODE", error_code::invalid_login_code},
        {"INVALID_PASSWORD", error_code::invalid_password},
        {"PASSWORD_REQUIRED", error_code::password_required},
        {"MFA_ALREADY_ENABLED", error_code::mfa_already_enabled},
        {"MFA_NO_PENDING", error_code::mfa_no_pending},
        {"MFA_NOT_ENABLED", error_code::mfa_not_enabled},
        {"MFA_REQUIRED", error_code::mfa_required},
        {"ENROLMENT_REQUIRED", error_code::mfa_required},
        {"API_TOKENS_EXHAUSTED", error_code::api_tokens_exhausted},
        {"NOT_FOUND", error_code::not_found}};
    const auto api = json::parse(net::slugbase::describe().api).as_object();
    for (const auto& [name, told] : api.at("refusals").as_object()) {
        ASSERT_TRUE(codes.contains(name)) << name;
        const auto reply = net::slugbase::render({.code = codes.at(name)});
        EXPECT_EQ(told.at("status"), reply.status) << name;
        if (told.as_object().contains("type")) {
            EXPECT_EQ(told.at("value").as_string(), std::string_view(reply.body)) << name;
            EXPECT_TRUE(reply.content_type.starts_with(std::string(told.at("type").as_string())))
                << name;
            continue;
        }
        auto shown = told.at("value").as_object();
        shown.erase("details"); // what is wrong with a body, the catalogue does not know
        EXPECT_EQ(shown, json::parse(reply.body)) << name;
    }
    EXPECT_EQ(api.at("refusals").as_object().size(), codes.size());
}

TEST(OpenApi, RefusalsOfTheServiceFamily_AreThoseOfItsCatalogue) {
    std::map<std::string, json::object> catalogue;
    for (std::size_t code = 0; code < net::service::error_code_count; ++code) {
        const net::service::error error(static_cast<net::service::error_code>(code));
        catalogue[std::string(to_string(error.code))] =
            json::parse(net::service::render(error).body).as_object();
    }
    const auto api = json::parse(net::service::describe().api).as_object();
    for (const auto& [name, told] : api.at("refusals").as_object()) {
        auto shown = told.at("value").as_object();
        const std::string code(shown.at("code").as_string());
        ASSERT_TRUE(catalogue.contains(code)) << name;
        const auto& wanted = catalogue.at(code);
        EXPECT_EQ(told.at("status"), wanted.at("status")) << name;
        // What is wrong with this very request, the catalogue does not know.
        shown.erase("field");
        shown.erase("check");
        shown["detail"] = wanted.at("detail");
        EXPECT_EQ(shown, wanted) << name;
    }
}

} // namespace countersign::tests
