#include "bench/mail/smtp_ceiling.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <exception>
#include <stdexcept>
#include <thread>
#include <vector>

namespace countersign::bench {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using clock = std::chrono::steady_clock;

class client {
public:
    explicit client(std::uint16_t port) : socket_(context_) {
        socket_.connect({asio::ip::address_v4::loopback(), port});
        socket_.set_option(tcp::no_delay(true));
        expect("220");
        ask("EHLO bench\r\n", "250");
    }

    void hand_in(const std::string& message) {
        ask("MAIL FROM:<bench@localhost>\r\n", "250");
        ask("RCPT TO:<bench@localhost>\r\n", "250");
        ask("DATA\r\n", "354");
        asio::write(socket_, asio::buffer(message));
        ask(".\r\n", "250");
    }

private:
    void ask(std::string_view command, std::string_view code) {
        asio::write(socket_, asio::buffer(command));
        expect(code);
    }
    void expect(std::string_view code) {
        for (bool more = true; more;) {
            const auto size = asio::read_until(socket_, asio::dynamic_buffer(unread_), "\r\n");
            if (!unread_.starts_with(code)) throw std::runtime_error("the sink said " + unread_);
            more = unread_[3] == '-';
            unread_.erase(0, size);
        }
    }

    asio::io_context context_{1};
    tcp::socket socket_;
    std::string unread_;
};

} // namespace

double measure_smtp_ceiling(std::uint16_t port, std::size_t connections, const std::string& message,
                            std::chrono::milliseconds duration) {
    std::atomic<std::size_t> count = 0;
    std::atomic<bool> failed = false;
    const auto begin = clock::now();
    {
        std::vector<std::jthread> threads;
        for (std::size_t index = 0; index < connections; ++index)
            threads.emplace_back([&] {
                try {
                    client one(port);
                    for (; clock::now() - begin < duration; ++count)
                        one.hand_in(message);
                } catch (const std::exception&) {
                    failed = true;
                }
            });
    }
    if (failed) throw std::runtime_error("the sink did not answer as expected");
    return static_cast<double>(count) / std::chrono::duration<double>(clock::now() - begin).count();
}

} // namespace countersign::bench
