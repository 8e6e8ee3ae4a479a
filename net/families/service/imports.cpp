// Imports: lines are taken from the body as they arrive and become accounts, a batch of them at the
// same time. The report comes when the whole body has been read.
#include "net/families/service/handlers.hpp"
#include "net/families/service/import_lines.hpp"
#include "net/families/service/import_report.hpp"

#include "core/text.hpp"
#include "net/body_stream.hpp"
#include "net/strictness.hpp"
#include "store/import_batch.hpp"

#include <boost/json/serialize.hpp>
#include <spdlog/spdlog.h>

namespace countersign::net::service {

namespace {

namespace asio = boost::asio;

bool is_accepted_type(std::string_view content_type) {
    const auto type = core::to_lower_ascii(content_type.substr(0, content_type.find(';')));
    const auto name = std::string_view(type).substr(0, type.find_last_not_of(" \t") + 1);
    return name == "application/x-ndjson" || name == "application/ndjson" ||
           name == "application/jsonl" || name == "text/plain";
}

store::imported_line read_line(const import_lines::line& line) {
    if (line.too_long)
        return {.number = line.number, .line = core::import_line_error::line_too_long};
    return {.number = line.number, .line = core::parse_import_line(line.text)};
}

class import_run {
public:
    explicit import_run(services& with)
        : batch_(with.accounts, with.emails, with.context, with.random, with.now) {}

    // Nullopt: the body was read to its end.
    awaitable<std::optional<body_problem>> read(body_source& body);
    [[nodiscard]] import_report& report() noexcept { return report_; }

private:
    awaitable<void> add(store::imported_line line);
    awaitable<void> run_batch();

    store::import_batch batch_;
    import_report report_;
};

// After the import has stopped the rest is read and thrown away: a client that sends everything
// before it reads anything would otherwise never see the report.
awaitable<std::optional<body_problem>> import_run::read(body_source& body) {
    import_lines lines(core::import_line_size_max);
    std::optional<body_problem> problem;
    for (bool at_end = false; !at_end && !problem;) {
        const auto piece = co_await body.next();
        if (piece.has_error()) {
            problem = piece.error();
            continue;
        }
        at_end = piece->empty();
        lines.feed(*piece);
        while (!report_.stopped()) {
            const auto line = lines.next();
            if (!line) break;
            co_await add(read_line(*line));
        }
    }
    if (!report_.stopped()) co_await run_batch();
    co_return problem;
}

awaitable<void> import_run::add(store::imported_line line) {
    if (batch_.must_run_before(line)) co_await run_batch();
    if (!report_.stopped()) batch_.add(std::move(line));
}

awaitable<void> import_run::run_batch() {
    const auto tried = co_await batch_.run();
    for (const auto& one : tried) {
        if (one.line.has_error()) {
            report_.add(one.number, one.line.error());
        } else if (one.status.has_value()) {
            report_.add(one.number, one.line->subject, *one.status);
        } else {
            report_.add(one.number, one.line->subject, one.status.error());
            const bool of_this_line_only = one.status.error() == store::store_error::corrupt;
            if (!of_this_line_only && !report_.stopped()) report_.stop_at(one.number);
        }
    }
}

} // namespace

handled import_subjects(call& call) {
    const auto type = call.message().header("content-type");
    if (type && !is_accepted_type(*type))
        co_return call::refuse(error(error_code::unsupported_media_type,
                                     "An import is sent as application/x-ndjson."));
    import_run run(call.with());
    const auto problem = co_await run.read(*call.message().stream);
    spdlog::info("service key {} imported: {}", call.key().id,
                 boost::json::serialize(run.report().summary()));
    if (problem) {
        const auto found = explain(*problem);
        co_return call::refuse(
            from_transport(found.problem, std::string(found.detail) +
                                              " Lines before it may have been imported; send all "
                                              "of it again."));
    }
    co_return reply{.content_type = "application/x-ndjson", .stream = run.report().finish()};
}

} // namespace countersign::net::service
