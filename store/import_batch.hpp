// Lines of an import, some at a time: those of a batch become accounts in parallel, which hides the
// round trips to the store; what two lines mean for each other never depends on chance.
#pragma once

#include "core/random.hpp"
#include "store/event_loop.hpp"
#include "store/subject_import.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace countersign::store {

struct imported_line {
    std::uint64_t number = 0; // of the line or record in its source
    boost::system::result<core::import_line, core::import_line_error> line;
    store_result<import_status> status = store_error::unavailable; // of a line that could be read
};

class import_batch {
public:
    static constexpr std::size_t size_max = 64;

    // What is passed by reference, and what the context refers to, outlives it.
    import_batch(accounts& accounts, email_index& emails, const core::context& context,
                 core::random_source& random, std::function<core::unix_time()> now);

    // Whether the line must wait for run(): the batch is full, or has one of the same subject or
    // address, and what the two come to depends on their order.
    [[nodiscard]] bool must_run_before(const imported_line& line) const;
    // A line that policy does not take becomes the error that says so.
    void add(imported_line line);

    // Tries every line; while the store is away it waits some seconds for it. Yields the lines in
    // the order in which they were added, and is empty then.
    [[nodiscard]] awaitable<std::vector<imported_line>> run();

private:
    [[nodiscard]] awaitable<void> try_one(imported_line& one);

    accounts& accounts_;
    email_index& emails_;
    core::context context_;
    core::random_source& random_;
    std::function<core::unix_time()> now_;
    std::vector<imported_line> lines_;
};

} // namespace countersign::store
