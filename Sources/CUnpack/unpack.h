// The two conversions that decide how fast slots are unpacked, for what Swift cannot say: a function
// compiled for newer processors than the oldest the program runs on (SSE2 only), and stores past the
// cache.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// cunpack_int16, cunpack_int8: codes to float32, each (float)((double)code * reciprocal).
// `reversed`: the first sample of each 32-bit slot is its most significant one.
//
// Return how many codes they converted, from the first one on: all but fewer than 16, and none on a
// processor without AVX2. The rest is the caller's.
#if defined(__x86_64__)
typedef int8_t cunpack_int8x16 __attribute__((vector_size(16)));
typedef int16_t cunpack_int16x16 __attribute__((vector_size(32)));
typedef double cunpack_double16 __attribute__((vector_size(128)));
// A line of the cache.
typedef float cunpack_float16 __attribute__((vector_size(64)));

// Output of this size and more goes past the cache, as memcpy's does: a line that is overwritten
// whole need not be read first.
enum { CUNPACK_STREAMED_BYTES = 16 << 20 };

#define CUNPACK_DEFINE(NAME, CODE, CODES, ...)                                                     \
  __attribute__((target("avx2"), always_inline)) static inline void NAME##_loop(                   \
      const CODE *codes, size_t count, double reciprocal, float *out, bool reversed,               \
      bool streamed) {                                                                             \
    for (size_t i = 0; i < count; i += 16) {                                                       \
      CODES lanes;                                                                                 \
      memcpy(&lanes, codes + i, sizeof lanes);                                                     \
      if (reversed) lanes = __builtin_shufflevector(lanes, lanes, __VA_ARGS__);                    \
      cunpack_float16 values = __builtin_convertvector(                                            \
          __builtin_convertvector(lanes, cunpack_double16) * reciprocal, cunpack_float16);         \
      if (streamed) {                                                                              \
        __builtin_nontemporal_store(values, (cunpack_float16 *)(out + i));                         \
      } else {                                                                                     \
        memcpy(out + i, &values, sizeof values);                                                   \
      }                                                                                            \
    }                                                                                              \
    if (streamed) __builtin_ia32_sfence();                                                         \
  }                                                                                                \
  __attribute__((target("avx2"))) static inline void NAME##_avx2(                                  \
      const CODE *codes, size_t count, double reciprocal, float *out, bool reversed) {             \
    bool streamed = count * sizeof *out >= CUNPACK_STREAMED_BYTES &&                               \
                    (uintptr_t)out % sizeof(cunpack_float16) == 0;                                 \
    if (reversed && streamed) NAME##_loop(codes, count, reciprocal, out, true, true);              \
    if (reversed && !streamed) NAME##_loop(codes, count, reciprocal, out, true, false);            \
    if (!reversed && streamed) NAME##_loop(codes, count, reciprocal, out, false, true);            \
    if (!reversed && !streamed) NAME##_loop(codes, count, reciprocal, out, false, false);          \
  }                                                                                                \
  static inline size_t NAME(                                                                       \
      const CODE *codes, size_t count, double reciprocal, float *out, bool reversed) {             \
    if (!__builtin_cpu_supports("avx2")) return 0;                                                 \
    count -= count % 16;                                                                           \
    NAME##_avx2(codes, count, reciprocal, out, reversed);                                          \
    return count;                                                                                  \
  }

CUNPACK_DEFINE(cunpack_int16, int16_t, cunpack_int16x16,
               1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
CUNPACK_DEFINE(cunpack_int8, int8_t, cunpack_int8x16,
               3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)
#undef CUNPACK_DEFINE
#else
static inline size_t cunpack_int16(
    const int16_t *codes, size_t count, double reciprocal, float *out, bool reversed) {
  return 0;
}
static inline size_t cunpack_int8(
    const int8_t *codes, size_t count, double reciprocal, float *out, bool reversed) {
  return 0;
}
#endif
