import CLinux
import Glibc
import Synchronization

/// Virtual time: one baton that the owners hand over, so that a run is the same every time and
/// takes only as long as its computing.
///
/// Exactly one owner runs. When it waits, the owner with the earliest deadline goes on, and time
/// jumps to that deadline; among equal deadlines, the one that began to wait, or became runnable,
/// first. When every owner waits without a deadline, time stands still until another thread
/// signals a gate. An owner must not block in any other way on another owner.
public final class VirtualTimekeeper: Timekeeper {
  /// Where virtual time begins: not 0, so that nobody takes it for "since the start".
  public static let start: Nanoseconds = 1_000_000_000

  private let time = Atomic<Nanoseconds>(start)
  private let baton: Mutex<Baton>

  /// The calling thread becomes an owner and holds the baton.
  public init() {
    baton = Mutex(Baton(holder: VirtualOwner(thread: pthread_self())))
  }

  public var now: Nanoseconds { time.load(ordering: .acquiring) }

  public var isVirtual: Bool { true }

  public func sleep(until deadline: Nanoseconds) {
    guard deadline > now else { return }
    _ = wait(until: deadline, unless: { false }, on: nil)
  }

  public func makeGate() -> any Gate { VirtualGate(timekeeper: self) }

  public func startOwner(
    _ name: String, _ body: @escaping @Sendable () -> Void
  ) -> any OwnerThread {
    let owner = VirtualOwner(thread: nil)
    let done = VirtualGate(timekeeper: self)
    baton.withLock { baton in
      baton.requireHolder()
      baton.wait(owner, until: now, on: nil)
    }
    let thread = NamedThread(
      name,
      body: {
        owner.park()
        self.baton.withLock { _ in owner.thread = pthread_self() }
        body()
      },
      end: { self.leave(signalling: done) })
    return VirtualOwnerThread(thread: thread, done: done)
  }

  // MARK: - Handing over

  /// Hands the baton over until `deadline`, or until `gate` is signalled, unless `isDone`, which is
  /// looked at under the lock.
  ///
  /// - Returns: whether the gate was signalled, or it was done.
  fileprivate func wait(
    until deadline: Nanoseconds?, unless isDone: () -> Bool, on gate: VirtualGate?
  ) -> Bool {
    let (me, next): (VirtualOwner, VirtualOwner?)
    switch baton.withLock({ baton -> Handover in
      baton.requireHolder()
      if isDone() { return .none(signalled: true) }
      if let deadline, deadline <= now { return .none(signalled: false) }
      guard let holder = baton.holder else { return .none(signalled: false) }
      baton.wait(holder, until: deadline, on: gate)
      return .to(pass(&baton), from: holder)
    }) {
    case .none(let signalled): return signalled
    case .to(let chosen, let holder): (me, next) = (holder, chosen)
    }
    if me !== next {
      next?.unpark()
      me.park()
    }
    return baton.withLock { _ in me.isSignalled }
  }

  /// Makes `gate`'s waiters runnable now, and runs the first of them if nobody is running.
  fileprivate func signal(_ gate: VirtualGate) {
    baton.withLock { baton -> VirtualOwner? in
      gate.signals += 1
      baton.wake(waitersOn: gate, at: now)
      return baton.holder == nil ? pass(&baton) : nil
    }?.unpark()
  }

  fileprivate func signals(of gate: VirtualGate) -> UInt64 {
    baton.withLock { _ in gate.signals }
  }

  /// The holder ends: its joiners become runnable and the baton goes on.
  private func leave(signalling done: VirtualGate) {
    baton.withLock { baton -> VirtualOwner? in
      done.signals += 1
      baton.wake(waitersOn: done, at: now)
      return pass(&baton)
    }?.unpark()
  }

  /// Gives the baton to the waiting owner that is due first, and moves time to its deadline.
  private func pass(_ baton: inout Baton) -> VirtualOwner? {
    baton.holder = baton.takeFirst()
    if let deadline = baton.holder?.deadline, deadline > now {
      time.store(deadline, ordering: .releasing)
    }
    return baton.holder
  }

  private enum Handover {
    case none(signalled: Bool)
    case to(VirtualOwner?, from: VirtualOwner)
  }
}

/// Who runs, and who waits for what. Guarded by the timekeeper's lock.
private struct Baton: ~Copyable {
  /// nil when every owner waits without a deadline.
  var holder: VirtualOwner?
  private var waiting: [VirtualOwner] = []
  /// Counts waits and wakes: the order among equal deadlines.
  private var turns: UInt64 = 0

  init(holder: VirtualOwner) { self.holder = holder }

  func requireHolder() {
    precondition(
      holder?.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false,
      "in virtual time only the running owner may wait or start owners")
  }

  mutating func wait(_ owner: VirtualOwner, until deadline: Nanoseconds?, on gate: VirtualGate?) {
    turns += 1
    owner.deadline = deadline
    owner.turn = turns
    owner.gate = gate
    owner.isSignalled = false
    waiting.append(owner)
  }

  mutating func wake(waitersOn gate: VirtualGate, at now: Nanoseconds) {
    for owner in waiting where owner.gate === gate {
      turns += 1
      owner.deadline = now
      owner.turn = turns
      owner.gate = nil
      owner.isSignalled = true
    }
  }

  mutating func takeFirst() -> VirtualOwner? {
    var first: (deadline: Nanoseconds, turn: UInt64, index: Int)?
    for (index, owner) in waiting.enumerated() {
      guard let deadline = owner.deadline else { continue }
      if let first, (first.deadline, first.turn) < (deadline, owner.turn) { continue }
      first = (deadline, owner.turn, index)
    }
    return first.map { waiting.remove(at: $0.index) }
  }
}

/// An owner in virtual time: what it waits for, and a semaphore of its own to wait on.
private final class VirtualOwner: @unchecked Sendable {  // its vars are guarded by the baton's lock
  /// nil until the thread has first run.
  var thread: pthread_t?
  /// When it goes on; nil: only when signalled.
  var deadline: Nanoseconds?
  var turn: UInt64 = 0
  var gate: VirtualGate?
  var isSignalled = false
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init(thread: pthread_t?) {
    self.thread = thread
    semaphore.initialize(to: sem_t())
    sem_init(semaphore, 0, 0)
  }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  /// Blocks the calling thread, which is this owner's, until it has been given the baton.
  func park() { while sem_wait(semaphore) != 0 {} }

  func unpark() { sem_post(semaphore) }
}

private final class VirtualGate: Gate, @unchecked Sendable {  // `signals`: the baton's lock
  private let timekeeper: VirtualTimekeeper
  var signals: UInt64 = 0

  init(timekeeper: VirtualTimekeeper) { self.timekeeper = timekeeper }

  var ticket: UInt64 { timekeeper.signals(of: self) }

  func signal() { timekeeper.signal(self) }

  @discardableResult
  func wait(since ticket: UInt64, until deadline: Nanoseconds?) -> Bool {
    timekeeper.wait(until: deadline, unless: { signals > ticket }, on: self)
  }
}

private struct VirtualOwnerThread: OwnerThread {
  let thread: NamedThread
  /// Signalled once: when the body has returned.
  let done: VirtualGate

  func join() { done.wait(since: 0, until: nil) }

  var processorSeconds: Double { thread.processorSeconds }
}
