import Synchronization

/// Wakes those who wait for an approval to change, after the change is durable.
///
/// A wait has three steps, so that no change is lost: ``watch(_:)``, read the ledger, ``wait(_:until:)``. The mutex guards
/// the tables of watches and subscribers; continuations are resumed outside of it.
package final class ApprovalFeed: Sendable {
    /// A registered interest in one approval.
    package struct Watch: Hashable, Sendable {
        /// The approval.
        package let approval: ApprovalID
        fileprivate let ticket: UInt64
    }

    private enum Slot {
        case armed
        case fired(Approval)
        case waiting(CheckedContinuation<Approval?, Never>, deadline: Timestamp)
        case cancelled
    }

    private struct State {
        var slots: [UInt64: Slot] = [:]
        var watches: [ApprovalID: [UInt64]] = [:]
        var subscribers: [UInt64: AsyncStream<Approval>.Continuation] = [:]
        var nextTicket: UInt64 = 0
        /// No wait ends before this, so that a sweep of many thousand waits is only made when one may be due.
        var earliest: Timestamp?

        mutating func ticket() -> UInt64 {
            nextTicket += 1
            return nextTicket
        }
    }

    private let state = Mutex(State())

    /// Makes a feed that nobody waits on.
    package init() {}

    /// Registers interest; changes from now on are not missed.
    ///
    /// Must be ended with ``end(_:)``.
    package func watch(_ id: ApprovalID) -> Watch {
        state.withLock { state in
            let ticket = state.ticket()
            state.slots[ticket] = .armed
            state.watches[id, default: []].append(ticket)
            return Watch(approval: id, ticket: ticket)
        }
    }

    /// Waits for the next change since ``watch(_:)`` or the last wait; `nil` after `deadline` or ``cancel(_:)``.
    ///
    /// Deadlines are kept by ``sweep(now:)``, not by a clock of its own.
    package func wait(_ watch: Watch, until deadline: Timestamp) async -> Approval? {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Approval?? in
                switch state.slots[watch.ticket] {
                case .armed:
                    state.slots[watch.ticket] = .waiting(continuation, deadline: deadline)
                    state.earliest = min(state.earliest ?? deadline, deadline)
                    return nil
                case .fired(let approval):
                    state.slots[watch.ticket] = .armed
                    return .some(approval)
                case .cancelled, .waiting, nil:
                    return .some(nil)
                }
            }
            if case .some(let approval) = answer { continuation.resume(returning: approval) }
        }
    }

    /// Ends the watch's wait with `nil`, and every later one at once.
    package func cancel(_ watch: Watch) {
        let slot = state.withLock { state -> Slot? in
            guard let slot = state.slots[watch.ticket] else { return nil }
            state.slots[watch.ticket] = .cancelled
            return slot
        }
        if case .waiting(let continuation, _)? = slot { continuation.resume(returning: nil) }
    }

    /// Forgets a watch.
    package func end(_ watch: Watch) {
        let slot = state.withLock { state -> Slot? in
            let slot = state.slots.removeValue(forKey: watch.ticket)
            state.watches[watch.approval]?.removeAll { $0 == watch.ticket }
            if state.watches[watch.approval]?.isEmpty ?? false { state.watches[watch.approval] = nil }
            return slot
        }
        if case .waiting(let continuation, _)? = slot { continuation.resume(returning: nil) }
    }

    /// Ends the waits whose deadline has passed; called by a ticking service, and by tests.
    package func sweep(now: Timestamp) {
        let late = state.withLock { state -> [CheckedContinuation<Approval?, Never>] in
            var late = [CheckedContinuation<Approval?, Never>]()
            guard let earliest = state.earliest, earliest <= now else { return late }
            state.earliest = nil
            for (ticket, slot) in state.slots {
                guard case .waiting(let continuation, let deadline) = slot else { continue }
                guard deadline <= now else {
                    state.earliest = min(state.earliest ?? deadline, deadline)
                    continue
                }
                late.append(continuation)
                state.slots[ticket] = .armed
            }
            return late
        }
        for continuation in late { continuation.resume(returning: nil) }
    }

    /// Tells everybody that an approval changed; called by the ledger when the change is durable.
    package func publish(_ approval: Approval) {
        let (waiting, subscribers) = state.withLock { state in
            var waiting = [CheckedContinuation<Approval?, Never>]()
            for ticket in state.watches[approval.id] ?? [] {
                switch state.slots[ticket] {
                case .armed, .fired: state.slots[ticket] = .fired(approval)
                case .waiting(let continuation, _):
                    state.slots[ticket] = .armed
                    waiting.append(continuation)
                case .cancelled, nil: break
                }
            }
            return (waiting, Array(state.subscribers.values))
        }
        for continuation in waiting { continuation.resume(returning: approval) }
        for subscriber in subscribers { subscriber.yield(approval) }
    }

    /// Every change from now on; a slow reader loses the oldest and must look into the ledger.
    package func changes() -> AsyncStream<Approval> {
        let (stream, continuation) = AsyncStream<Approval>.makeStream(bufferingPolicy: .bufferingNewest(1024))
        let ticket = state.withLock { state in
            let ticket = state.ticket()
            state.subscribers[ticket] = continuation
            return ticket
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in _ = state.subscribers.removeValue(forKey: ticket) }
        }
        return stream
    }

    /// How many watch now.
    package var watching: Int { state.withLock { $0.slots.count } }
}
