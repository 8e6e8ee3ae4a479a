// Requests to the four families, with a real Redis behind them: every answer is one that can be
// sent, none is a fault of ours, both accounts stay sound, and who presents nothing gets nothing.
//
// The input is a line `<credential> <METHOD> <target>`, header fields, an empty line and the body;
// the line ends are LF. The credential is one letter: n nothing, a an access token, s with a
// step-up too, p a pending login, q a pending step-up, r a refresh token, c a session cookie, t an
// API token, u a Clara user's token, b Basic, k and K Clara's public and private key, v a service
// key.
#include "net/body_stream.hpp"
#include "tests/fuzz/net/api_world.hpp"
#include "tests/fuzz/target.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace countersign::fuzz {
namespace {

std::string_view take_line(std::string_view& text) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    return line;
}

// False: a field that no connection would let through.
bool add_fields(net::request& request, std::string_view text) {
    while (!text.empty()) {
        const auto line = take_line(text);
        const auto colon = line.find(": ");
        if (colon == std::string_view::npos || line.find_first_of("\r") != std::string_view::npos)
            return false;
        const auto name = line.substr(0, colon);
        request.fields.push_back(
            {boost::beast::http::string_to_field(name), name, line.substr(colon + 2)});
    }
    return true;
}

bool is_visible(std::string_view target) {
    return target.starts_with('/') &&
           std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7F && c != '#'; });
}

class pieces_of final : public net::body_source {
public:
    explicit pieces_of(std::string_view body) : rest_(body) {}
    awaitable<piece> next() override {
        const auto taken = rest_.substr(0, 100);
        rest_.remove_prefix(taken.size());
        co_return taken;
    }

private:
    std::string_view rest_;
};

void check(net::reply& out) {
    require((out.status >= 200 && out.status < 500) || out.status == 503,
            "an answer is no fault of ours");
    std::string bytes;
    require(net::serialise(out, {.date = "Thu, 01 Jan 1970 00:00:00 GMT"}, bytes),
            "an answer can be sent");
    if (out.stream) {
        std::array<char, 1000> buffer{};
        std::uint64_t size = 0;
        while (const auto count = out.stream->read(buffer))
            size += count;
        require(size == out.stream->size(), "a stream is as long as it says");
        return;
    }
    if (out.content_type != "application/json" || out.body.empty()) return;
    boost::system::error_code error;
    (void)boost::json::parse(out.body, error);
    require(!error, "JSON is JSON");
}

// What a stranger must not have moved.
void check_untouched(const core::account& before, const std::optional<core::account>& after) {
    require(after.has_value(), "who presents nothing deletes nobody");
    require(after->sessions == before.sessions && after->totp == before.totp &&
                after->email_factor_since == before.email_factor_since &&
                after->backup_code_hashes == before.backup_code_hashes &&
                after->api_tokens == before.api_tokens && after->email == before.email,
            "who presents nothing changes nobody's credentials");
}

void api_families(std::string_view input) {
    static api_world world;
    if (input.size() > 16'384) return; // what a whole body may have
    const auto first = take_line(input);
    const auto method_end = first.find(' ', 2);
    if (first.size() < 4 || first[1] != ' ' || method_end == std::string_view::npos) return;

    world.begin_anew();
    const bool nothing = first[0] == 'n';
    const auto target = world.filled_in(first.substr(method_end + 1));
    const auto credential = world.credential(first[0]);
    const auto body_at = input.find("\n\n");
    const auto own_fields = input.substr(0, body_at);
    const auto body = body_at == std::string_view::npos
                          ? std::string()
                          : world.filled_in(input.substr(body_at + 2));

    net::request request;
    request.method = boost::beast::http::string_to_verb(first.substr(2, method_end - 2));
    request.set_target(target);
    request.client_ip = "192.0.2.1";
    if (!add_fields(request, credential) || !add_fields(request, own_fields)) return;
    if (!is_visible(target)) { // the transport refuses it
        auto refusal = world.dispatcher().problem(net::transport_problem::malformed_request,
                                                  first.substr(2, method_end - 2), target, "Not.");
        return check(refusal);
    }
    pieces_of pieces(body);
    const auto plan = world.dispatcher().accept_head(request);
    if (plan.how == net::body_plan::delivery::streamed)
        request.stream = &pieces;
    else
        request.body_buffer() = body;

    auto out = world.run(world.dispatcher().dispatch(request));
    check(out);
    const bool of_subject = target.starts_with("/api/service");
    const auto& before = of_subject ? world.subject() : world.ada();
    const auto after = world.load(before.id);
    require(!after || !core::check_invariants(*after), "an account stays sound");
    const bool by_link = target.starts_with("/api/auth/password/reset?");
    if (nothing && !by_link) check_untouched(before, after);
}

const registration here("api_families", api_families);

} // namespace
} // namespace countersign::fuzz
