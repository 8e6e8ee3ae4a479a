// Descriptors of processes (pidfd_open(2)): a signal through one never reaches a process that got
// the same id later, and it is readable once the process has ended.
#pragma once

#include <fcntl.h>
#include <signal.h>

// glibc 2.36's header forgets to say that its functions are C.
extern "C" {
#include <sys/pidfd.h>
}
