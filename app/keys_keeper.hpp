// The server's keys while it runs: at SIGHUP keys.json is read again and handed to every thread as
// a message. Threads change over one after the other, so first each learns to understand the new
// keys, and when all do they begin to use them: no thread ever meets what it cannot read.
#pragma once

#include "app/key_file.hpp"
#include "core/codes.hpp"
#include "core/crypto/aead.hpp"
#include "core/tokens.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace countersign::app {

// The keys as one thread has them: their addresses stay, their contents are replaced, on that
// thread only. No call into them is suspended, so none sees both.
struct thread_keys {
    thread_keys(const key_file& file, std::string audience)
        : sealing(file.encryption_keys()), codes(file.code_hasher()),
          tokens(file.token_keys(), std::move(audience)) {}

    core::key_ring sealing;
    core::code_hasher codes;
    core::token_service tokens;
};

class keys_keeper {
public:
    using shared_keys = std::shared_ptr<const key_file>;
    // Runs on the thread that it was added with.
    using taker = std::function<void(const shared_keys&)>;

    // From here on SIGHUP no longer ends the program. `context`, of the main thread, outlives it.
    keys_keeper(boost::asio::io_context& context, std::filesystem::path data_dir);
    ~keys_keeper();
    keys_keeper(const keys_keeper&) = delete;
    keys_keeper& operator=(const keys_keeper&) = delete;

    // Before anything else is called.
    void begin_with(key_file opened);
    // What a new thread begins with.
    [[nodiscard]] shared_keys in_use() const;
    // Called by any thread, before keep(). `take` must do nothing once what it fills is gone.
    void add(boost::asio::any_io_executor thread, taker take);
    // From here on the context answers SIGHUP.
    void keep();

private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace countersign::app
