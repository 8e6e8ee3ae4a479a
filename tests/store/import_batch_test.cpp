#include "store/import_batch.hpp"

#include "store/event_loop.hpp"
#include "store/metadata.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <algorithm>
#include <array>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using store::import_status;
using store::imported_line;

constexpr core::unix_time now{1'790'000'000'000ms};

std::string name_of(std::uint64_t number) {
    return "s" + std::to_string(number);
}

imported_line line_of(std::uint64_t number, std::string_view subject, std::string_view email) {
    return {.number = number,
            .line = core::parse_import_line(R"({"subject":")" + std::string(subject) +
                                            R"(","email":")" + std::string(email) + R"("})")};
}
imported_line line_of(std::uint64_t number) {
    return line_of(number, name_of(number), name_of(number) + "@example.org");
}
imported_line broken_line(std::uint64_t number) {
    return {.number = number, .line = core::parse_import_line("{}")};
}

// Number and what became of it: "1 created".
std::vector<std::string> verdicts_of(const std::vector<imported_line>& tried) {
    std::vector<std::string> all;
    for (const auto& one : tried) {
        auto text = std::to_string(one.number) + " ";
        if (one.line.has_error())
            text += core::to_string(one.line.error());
        else if (one.status.has_error())
            text += store::to_string(one.status.error());
        else
            switch (*one.status) {
            case import_status::created:
                text += "created";
                break;
            case import_status::unchanged:
                text += "unchanged";
                break;
            case import_status::differs:
                text += "differs";
                break;
            case import_status::email_taken:
                text += "email_taken";
                break;
            }
        all.push_back(std::move(text));
    }
    return all;
}

class ImportBatch : public store_fixture {
protected:
    ImportBatch() : store_fixture(append_only::always) {}

    std::vector<imported_line> run_batch(std::chrono::milliseconds deadline = 10s) {
        return run_coroutine(context, batch.run(), deadline);
    }
    struct subject_and_email {
        std::string_view subject, email;
    };
    // As an import does: what must wait for the batch waits.
    std::vector<std::string> import(const std::vector<subject_and_email>& lines) {
        std::vector<std::string> all;
        const auto finish = [&] {
            for (auto& verdict : verdicts_of(run_batch()))
                all.push_back(std::move(verdict));
        };
        std::uint64_t number = 0;
        for (const auto& [subject, email] : lines) {
            auto line = line_of(++number, subject, email);
            if (batch.must_run_before(line)) finish();
            batch.add(std::move(line));
        }
        finish();
        return all;
    }

    seeded_random random{20261120};
    core::code_hasher hasher{core::secret_key(random.bytes<32>())};
    core::policy rules;
    core::key_ring keys = make_keys();
    core::context rulebook{.rules = rules, .keys = keys, .codes = hasher};
    store::accounts accounts{*redis, random, 16};
    store::email_index emails{*redis, accounts, hasher};
    store::import_batch batch{accounts, emails, rulebook, random, [] { return now; }};

private:
    static core::key_ring make_keys() {
        std::vector<core::encryption_key> ring;
        ring.push_back({.id = "k1", .key = core::secret_key(std::array<std::byte, 32>{})});
        return core::key_ring(std::move(ring));
    }
};

TEST_F(ImportBatch, Lines_ComeBackInTheirOrder_WithWhatBecameOfThem) {
    std::vector<std::string> expected;
    for (std::uint64_t number = 1; number <= store::import_batch::size_max; ++number) {
        const bool broken = number % 5 == 0;
        batch.add(broken ? broken_line(number) : line_of(number));
        expected.push_back(std::to_string(number) + (broken ? " invalid_subject" : " created"));
    }
    EXPECT_EQ(verdicts_of(run_batch()), expected);
    EXPECT_TRUE(run_batch().empty()); // nothing is tried twice
}

TEST_F(ImportBatch, ALineThatPolicyDoesNotTake_IsRejectedForThat) {
    rules.import_secret_bits_min = 128;
    batch.add({.number = 1,
               .line = core::parse_import_line(
                   R"({"subject":"ada","email":"ada@example.org",)"
                   R"("totp":["otpauth://totp/ada?secret=GEZDGNBVGY3TQOJQ"]})")});
    batch.add(line_of(2));
    EXPECT_EQ(verdicts_of(run_batch()),
              (std::vector<std::string>{"1 secret_too_short", "2 created"}));
}

TEST_F(ImportBatch, AFullBatch_MustRunFirst) {
    for (std::uint64_t number = 1; number <= store::import_batch::size_max; ++number) {
        EXPECT_FALSE(batch.must_run_before(line_of(number)));
        batch.add(line_of(number));
    }
    EXPECT_TRUE(batch.must_run_before(line_of(1000)));
    EXPECT_TRUE(batch.must_run_before(broken_line(1000)));
    (void)run_batch();
    EXPECT_FALSE(batch.must_run_before(line_of(1000)));
}

TEST_F(ImportBatch, LinesOfOneSubjectOrAddress_DoNotShareABatch) {
    batch.add(line_of(1, "ada", "ada@example.org"));
    batch.add(broken_line(2));
    EXPECT_TRUE(batch.must_run_before(line_of(3, "ada", "else@example.org")));
    EXPECT_TRUE(batch.must_run_before(line_of(3, "bob", "ada@example.org")));
    EXPECT_TRUE(batch.must_run_before(line_of(3, "bob", "ADA@Example.org")));
    EXPECT_FALSE(batch.must_run_before(line_of(3, "bob", "bob@example.org")));
    EXPECT_FALSE(batch.must_run_before(broken_line(3)));
    EXPECT_EQ(run_batch().size(), 2u);
}

TEST_F(ImportBatch, OneSubjectTwice_IsTheFirstLines) {
    EXPECT_EQ(import({{"ada", "ada@example.org"},
                      {"ada", "ada@example.org"},
                      {"ada", "else@example.org"},
                      {"bob", "else@example.org"}}),
              (std::vector<std::string>{"1 created", "2 unchanged", "3 differs", "4 created"}));
}

TEST_F(ImportBatch, OneAddressTwice_IsTheFirstLines) {
    EXPECT_EQ(
        import(
            {{"ada", "ada@example.org"}, {"bob", "ADA@example.org"}, {"bob", "bob@example.org"}}),
        (std::vector<std::string>{"1 created", "2 email_taken", "3 created"}));
}

TEST_F(ImportBatch, WhileTheStoreIsAwayForAMoment_Waits) {
    for (std::uint64_t number = 1; number <= 10; ++number)
        batch.add(line_of(number));
    server.kill();
    steady_timer back(context, 3s);
    back.async_wait([&](const boost::system::error_code&) { server.restart(); });
    const auto tried = run_batch(20s);
    EXPECT_EQ(std::ranges::count_if(
                  tried, [](const auto& one) { return *one.status == import_status::created; }),
              10);
}

TEST_F(ImportBatch, WhileTheStoreIsAwayForGood_SaysSoOfEachLineAfterSeconds) {
    batch.add(line_of(1));
    batch.add(broken_line(2));
    batch.add(line_of(3));
    server.kill();
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(verdicts_of(run_batch(30s)),
              (std::vector<std::string>{"1 unavailable", "2 invalid_subject", "3 unavailable"}));
    const auto lasted = std::chrono::steady_clock::now() - begun;
    EXPECT_GE(lasted, 7s);
    EXPECT_LE(lasted, 20s);
    // Again, when it is back: the batch is usable.
    server.restart();
    batch.add(line_of(1));
    EXPECT_EQ(verdicts_of(run_batch()), (std::vector<std::string>{"1 created"}));
}

TEST_F(ImportBatch, WhatIsStoredWrongly_IsSaidAtOnce_AndTheOthersGoOn) {
    const auto id = core::account_of_subject("s1");
    const auto key =
        "cs:{" + std::to_string(store::partition_of(id, 16)) + "}:account:" + id.value();
    (void)ask({"HSET", key, "v", "0", "d", "{}"});
    batch.add(line_of(1));
    batch.add(line_of(2));
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(verdicts_of(run_batch()), (std::vector<std::string>{"1 corrupt", "2 created"}));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
}

} // namespace
} // namespace countersign::tests
