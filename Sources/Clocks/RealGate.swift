import CLinux
import Glibc

/// A gate in real time: a counter behind a POSIX mutex and a condition on CLOCK_MONOTONIC.
final class RealGate: Gate, @unchecked Sendable {  // `signals` is guarded by `mutex`
  private let clock: ScaledClock
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var signals: UInt64 = 0

  init(clock: ScaledClock) {
    self.clock = clock
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
    condition.initialize(to: pthread_cond_t())
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    condition.deallocate()
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  var ticket: UInt64 {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return signals
  }

  func signal() {
    pthread_mutex_lock(mutex)
    signals += 1
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  @discardableResult
  func wait(since ticket: UInt64, until deadline: Nanoseconds?) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while signals <= ticket {
      guard let deadline else {
        pthread_cond_wait(condition, mutex)
        continue
      }
      guard clock.now < deadline else { return false }
      var time = clock.hostTime(of: deadline)
      pthread_cond_timedwait(condition, mutex, &time)
    }
    return true
  }
}
