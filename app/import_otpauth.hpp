// Lists of otpauth:// URIs, one per line, as many systems print them. The subject is the account
// name of the label. URIs of one subject that stand together become one record; those that do not
// become several, of which the import then takes the first and reports the others as differing.
#pragma once

#include "app/import_record.hpp"
#include "app/line_reader.hpp"

#include <memory>

namespace countersign::app {

// Passes over empty lines, those that begin with #, and the line with which Authelia ends its list.
// Each URI that is wrong is a rejection of its own; those around it still stand together.
[[nodiscard]] std::unique_ptr<import_reader> read_otpauth_list(line_reader in,
                                                               import_options options);

} // namespace countersign::app
