#include "core/api_token.hpp"

#include "tests/core/account_builder.hpp"

#include <set>

namespace countersign::core {
namespace {

using tests::refused;
using enum refusal_reason;

class ApiToken : public tests::decide_test {
protected:
    session_id session = give_session();

    auto create(api_token made, requester by) {
        return run(
            create_api_token{.by = std::move(by), .token = std::move(made), .origin = origin()});
    }
    new_api_token make(std::string name = "script") {
        return make_api_token(user.id, std::move(name), codes, random, now);
    }
};

TEST_F(ApiToken, Text_NamesItsAccountAndIsStoredHashedOnly) {
    const auto made = make();
    const auto& text = made.text.reveal();
    EXPECT_TRUE(text.starts_with("sb_"));
    EXPECT_EQ(text.size(), 3u + 43u); // 32 bytes in base64url (slugbase contract section 2.1)
    EXPECT_EQ(made.stored.name, "script");
    EXPECT_EQ(made.stored.created_at, now);
    EXPECT_EQ(made.stored.id.value().size(), 16u);
    const auto read = read_api_token(text, codes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->account, user.id);
    EXPECT_EQ(read->hash.value(), made.stored.hash);
    user.api_tokens.push_back(made.stored);
    EXPECT_EQ(to_document(user).find(text.substr(3)), std::string::npos);
}

TEST_F(ApiToken, EachIsAnother) {
    std::set<std::string> texts, ids;
    for (int made = 0; made < 100; ++made) {
        const auto token = make();
        texts.insert(token.text.reveal());
        ids.insert(token.stored.id.value());
    }
    EXPECT_EQ(texts.size(), 100u);
    EXPECT_EQ(ids.size(), 100u);
}

TEST_F(ApiToken, TextThatIsNone_IsNotRead) {
    const auto good = make().text.reveal();
    for (const auto& text :
         {std::string(), std::string("sb_"), good.substr(3), "sk_" + good.substr(3),
          good.substr(0, good.size() - 1), good + "A", good + "=", "SB_" + good.substr(3),
          good.substr(0, 10) + "+" + good.substr(11)})
        EXPECT_FALSE(read_api_token(text, codes)) << text;
}

TEST_F(ApiToken, T25_HashIsOfTheAccount_SoAnotherAccountsTokenIsNothingHere) {
    tests::account_builder other(2);
    const auto foreign = make_api_token(other.user.id, "script", codes, random, now);
    const auto read = read_api_token(foreign.text.reveal(), codes);
    EXPECT_EQ(read->account, other.user.id);
    EXPECT_EQ(refused(may_read(user, read->hash, now)), session_ended);
    const code_hasher other_pepper(secret_key(std::array<std::byte, 32>{std::byte{1}}));
    EXPECT_NE(read_api_token(foreign.text.reveal(), other_pepper)->hash.value(),
              foreign.stored.hash);
}

TEST_F(ApiToken, ForWhatIsNoAccountsId_IsNotMade) {
    for (const auto* id :
         {"user_", "user_0123", "user_zz", "", "user_00112233445566778899aabbccddeeff00"})
        EXPECT_ANY_THROW((void)make_api_token(account_id(id), "script", codes, random, now)) << id;
}

TEST_F(ApiToken, Created_IsToldToTheHolderAndGoodUntilRevoked) {
    const auto made = make("backup job");
    const api_token_hash token(made.stored.hash);
    EXPECT_EQ(refused(may_read(user, token, now)), session_ended);
    EXPECT_TRUE(create(made.stored, session).outcome);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, event_type::api_token_created);
    EXPECT_EQ(events[0].label, "backup job");
    now += std::chrono::hours(24 * 365 * 10);
    EXPECT_FALSE(may_read(user, token, now));

    EXPECT_EQ(refused(run(revoke_api_token{.by = backend(), .id = api_token_id("other")})),
              no_such_api_token);
    EXPECT_TRUE(run(revoke_api_token{.by = token, .id = made.stored.id}).outcome);
    EXPECT_EQ(refused(may_read(user, token, now)), session_ended); // T-34
    EXPECT_EQ(refused(run(revoke_api_token{.by = token, .id = made.stored.id})), session_ended);
}

TEST_F(ApiToken, AboveTheCap_NoneIsMade) {
    for (std::size_t made = 0; made < rules.api_tokens_max; ++made)
        EXPECT_TRUE(create(make().stored, session).outcome);
    EXPECT_EQ(refused(create(make().stored, session)), too_many_api_tokens);
    EXPECT_EQ(user.api_tokens.size(), 10u);
    EXPECT_TRUE(run(revoke_api_token{.by = session, .id = user.api_tokens.front().id}).outcome);
    EXPECT_TRUE(create(make().stored, session).outcome);
}

TEST_F(ApiToken, T34_RequesterThatDoesNotStand_MakesAndRevokesNothing) {
    give_api_token();
    for (const requester& by :
         {requester(session_id("gone")), requester(api_token_hash("revoked"))}) {
        EXPECT_EQ(refused(create(make().stored, by)), session_ended);
        EXPECT_EQ(refused(run(revoke_api_token{.by = by, .id = user.api_tokens.front().id})),
                  session_ended);
    }
    EXPECT_EQ(user.api_tokens.size(), 1u);
    EXPECT_TRUE(events.empty());
}

TEST_F(ApiToken, T34_PasswordResetAndAdministratorsReset_KillThem) {
    const auto token = give_api_token();
    EXPECT_TRUE(
        run(request_password_reset{.link = reset_link("link"), .origin = origin()}).outcome);
    EXPECT_TRUE(
        run(reset_password{.link_id = "link", .new_hash = "new", .origin = origin()}).outcome);
    EXPECT_EQ(refused(may_read(user, token, now)), session_ended);

    const auto another = give_api_token();
    EXPECT_TRUE(run(reset_second_factor{.origin = origin()}).outcome);
    EXPECT_EQ(refused(may_read(user, another, now)), session_ended);
}

} // namespace
} // namespace countersign::core
