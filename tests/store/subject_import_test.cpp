#include "store/subject_import.hpp"

#include "core/crypto/encoding.hpp"
#include "store/metadata.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <algorithm>
#include <array>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using store::import_status;

constexpr core::unix_time now{1'790'000'000'000ms};
constexpr std::string_view first_secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
constexpr std::string_view second_secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const std::string digest(64, 'a');

core::import_line line_of(std::string_view subject, std::string_view email,
                          const std::vector<std::string_view>& secrets = {}) {
    std::string text = R"({"subject":")" + std::string(subject) + R"(","email":")" +
                       std::string(email) + R"(","totp":[)";
    for (const auto secret : secrets)
        text += (text.ends_with('[') ? "" : ",") +
                std::string(R"("otpauth://totp/Acme:x?secret=)") + std::string(secret) + '"';
    text += secrets.empty() ? "]}" : R"(],"backupCodes":[")" + digest + R"("]})";
    return core::parse_import_line(text).value();
}

class SubjectImport : public store_fixture {
protected:
    import_status import(const core::import_line& line, core::unix_time at = now) {
        const auto status = run(import_subject(accounts, emails, rulebook, random, line, at));
        EXPECT_TRUE(status);
        return status.value();
    }
    std::optional<core::account> account_of(std::string_view subject) {
        const auto loaded = run(accounts.load(core::account_of_subject(subject)));
        EXPECT_TRUE(loaded);
        if (!loaded || !*loaded) return std::nullopt;
        return (*loaded)->value;
    }
    std::string document_of(std::string_view subject) {
        const auto id = core::account_of_subject(subject);
        return ask_text(
            {"HGET",
             "cs:{" + std::to_string(store::partition_of(id, 16)) + "}:account:" + id.value(),
             "d"});
    }

    seeded_random random{20260106};
    core::code_hasher hasher{core::secret_key(random.bytes<32>())};
    core::policy rules;
    core::key_ring keys = make_keys();
    core::context rulebook{.rules = rules, .keys = keys, .codes = hasher};
    store::accounts accounts{*redis, random, 16};
    store::email_index emails{*redis, accounts, hasher};

private:
    static core::key_ring make_keys() {
        std::vector<core::encryption_key> ring;
        ring.push_back({.id = "k1", .key = core::secret_key(std::array<std::byte, 32>{})});
        return core::key_ring(std::move(ring));
    }
};

TEST_F(SubjectImport, NewSubject_IsCreatedWithItsDevicesAndCodes) {
    EXPECT_EQ(import(line_of("a", "a@example.org", {first_secret, second_secret})),
              import_status::created);
    const auto made = account_of("a");
    ASSERT_TRUE(made);
    EXPECT_EQ(made->subject, "a");
    EXPECT_EQ(made->email, "a@example.org");
    EXPECT_EQ(made->totp.size(), 2u);
    EXPECT_EQ(made->backup_code_hashes.size(), 1u);
    EXPECT_FALSE(made->email_factor_since);
    EXPECT_EQ(core::check_invariants(*made), std::nullopt);
}

TEST_F(SubjectImport, SameLineAgain_ChangesNotAByte) {
    const auto line = line_of("a", "a@example.org", {first_secret});
    EXPECT_EQ(import(line), import_status::created);
    const auto before = document_of("a");
    EXPECT_EQ(import(line, now + 1h), import_status::unchanged);
    EXPECT_EQ(document_of("a"), before);
}

// Imports only add: what was used up since does not come back.
TEST_F(SubjectImport, UsedBackupCode_DoesNotComeBack_T05) {
    const auto line = line_of("a", "a@example.org", {first_secret});
    EXPECT_EQ(import(line), import_status::created);
    ASSERT_TRUE(run(accounts.transact(core::account_of_subject("a"), [](const core::account& was) {
        store::change wanted{was, {}};
        wanted.next->backup_code_hashes.clear();
        return wanted;
    })));
    EXPECT_EQ(import(line), import_status::unchanged);
    EXPECT_EQ(account_of("a")->backup_code_hashes.size(), 0u);
}

TEST_F(SubjectImport, SubjectThatIsThereOtherwise_Differs) {
    EXPECT_EQ(import(line_of("a", "a@example.org", {first_secret})), import_status::created);
    EXPECT_EQ(import(line_of("a", "b@example.org", {first_secret})), import_status::differs);
    EXPECT_EQ(import(line_of("a", "a@example.org", {second_secret})), import_status::differs);
    EXPECT_EQ(import(line_of("a", "a@example.org")), import_status::unchanged);
    EXPECT_EQ(account_of("a")->totp.size(), 1u);
    // The address that was not taken is free.
    EXPECT_EQ(import(line_of("c", "b@example.org")), import_status::created);
}

TEST_F(SubjectImport, AddressOfAnother_IsTaken) {
    EXPECT_EQ(import(line_of("a", "a@example.org")), import_status::created);
    EXPECT_EQ(import(line_of("b", "a@example.org")), import_status::email_taken);
    EXPECT_FALSE(account_of("b"));
}

TEST_F(SubjectImport, SubjectThatIsAnAccountsId_IsNotMade) {
    auto line = line_of("a", "a@example.org");
    line.subject = "user_0123456789abcdef0123456789abcdef";
    EXPECT_EQ(import(line), import_status::differs);
    EXPECT_FALSE(account_of(line.subject));
}

TEST_F(SubjectImport, SameLineManyTimesAtOnce_IsCreatedOnce) {
    const auto line = line_of("a", "a@example.org", {first_secret});
    std::vector<awaitable<store::store_result<import_status>>> work;
    for (int count = 0; count < 50; ++count)
        work.push_back(import_subject(accounts, emails, rulebook, random, line, now));
    const auto results = run_coroutines(context, std::move(work));
    const auto count = [&](import_status status) {
        return std::ranges::count_if(
            results, [&](const auto& one) { return one.has_value() && *one == status; });
    };
    EXPECT_EQ(count(import_status::created), 1);
    EXPECT_EQ(count(import_status::unchanged), 49);
}

} // namespace
} // namespace countersign::tests
