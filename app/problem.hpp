// What went wrong, told to the operator: one sentence that names the setting, file or key. The
// error of everything in app, because here nobody but a person reads it.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <string>
#include <system_error>

namespace countersign::app {

struct problem {
    std::string sentence; // one line, no secret in it
};

// The program's exit code for a problem with the command line or the configuration.
inline constexpr int exit_code_usage = 2;
// And for everything else that stops a command.
inline constexpr int exit_code_failure = 1;

template <typename T>
using fallible = boost::system::result<T, problem>;

// What fallible<T>::value() does where there is no value: the caller did not look, a bug.
[[noreturn]] void throw_exception_from_error(const problem& error,
                                             const boost::source_location& where);

// `<what> <path>: <the system's reason>`; `error` is an errno.
[[nodiscard]] inline problem system_problem(const std::string& what, const std::string& path,
                                            int error) {
    return {what + " " + path + ": " + std::generic_category().message(error)};
}

} // namespace countersign::app
