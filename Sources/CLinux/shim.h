// System calls and C library functions that Swift's Glibc module does not offer, one prefixed
// inline function each.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

// <getopt.h> is in no module of the Glibc overlay, and `opterr` is shared mutable state to Swift 6.
static inline int clinux_getopt_long(
    int argc, char *const *argv, const char *shortopts, const struct option *longopts, int *index) {
  opterr = 0;
  return getopt_long(argc, argv, shortopts, longopts, index);
}
static inline void clinux_getopt_reset(void) { optind = 0; }
static inline int clinux_optind(void) { return optind; }
static inline int clinux_optopt(void) { return optopt; }
static inline const char *clinux_optarg(void) { return optarg; }

// <sys/prctl.h> is not in the Glibc module, and prctl is variadic.
static inline int clinux_set_timer_slack_ns(unsigned long ns) { return prctl(PR_SET_TIMERSLACK, ns); }
static inline int clinux_die_with_parent(int signal) { return prctl(PR_SET_PDEATHSIG, signal); }

// renameat2 and its flag are behind _GNU_SOURCE. Returns 0, or -1 with errno.
static inline int clinux_rename_no_replace(const char *from, const char *to) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

// fcntl is variadic, and the OFD lock commands are behind _GNU_SOURCE. Returns 0, or -1 with errno.
static inline int clinux_lock_exclusively(int fd, long long start, long long length) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(fd, F_OFD_SETLK, &lock);
}

// fallocate's flags are behind _GNU_SOURCE. Claims space without changing the file's size.
static inline int clinux_claim_space(int fd, long long offset, long long length) {
  return fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, length);
}

// ioctl is variadic. Columns of the terminal, 0 when `fd` is none.
static inline int clinux_terminal_columns(int fd) {
  struct winsize size;
  return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
