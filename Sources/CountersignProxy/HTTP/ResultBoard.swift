import CountersignCore
import Synchronization

/// Hands one result to every ask that is attached to the same approval in this process.
///
/// The ledger forgets a kept response when one agent's ask has it; identical asks that waited beside it get it here. The
/// mutex guards the table.
final class ResultBoard: Sendable {
    private struct Place {
        var attached = 0
        var response: KeptResponse?
        var isDelivered = false
    }

    private let places = Mutex<[ApprovalID: Place]>([:])

    /// An ask waits on the approval.
    ///
    /// Must be followed by ``leave(_:)``.
    func join(_ id: ApprovalID) { places.withLock { $0[id, default: Place()].attached += 1 } }

    /// The ask is done.
    ///
    /// Returns the response whose file nobody needs any more, if this was the last ask.
    func leave(_ id: ApprovalID) -> KeptResponse? {
        places.withLock { places in
            guard var place = places[id] else { return nil }
            place.attached -= 1
            if place.attached > 0 {
                places[id] = place
                return nil
            }
            places[id] = nil
            return place.isDelivered ? place.response : nil
        }
    }

    /// The action has run; for those who wait.
    func post(_ response: KeptResponse) {
        places.withLock { places in
            guard places[response.approval] != nil else { return }
            places[response.approval]?.response = response
        }
    }

    /// The response has reached an agent; its file goes when the last ask has left.
    func delivered(_ response: KeptResponse) {
        places.withLock { places in
            guard places[response.approval] != nil else { return }
            places[response.approval]?.response = response
            places[response.approval]?.isDelivered = true
        }
    }

    /// Whether asks are attached.
    func isAttended(_ id: ApprovalID) -> Bool { places.withLock { $0[id] != nil } }

    /// The posted response.
    func response(_ id: ApprovalID) -> KeptResponse? { places.withLock { $0[id]?.response } }
}

/// Tells every wait that the gateway is going down.
///
/// The mutex guards the callbacks.
final class DrainSignal: Sendable {
    private struct State {
        var isDraining = false
        var next: UInt64 = 0
        var callbacks: [UInt64: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    /// Whether the gateway is going down.
    var isDraining: Bool { state.withLock { $0.isDraining } }

    /// Calls back when draining begins; at once if it has.
    func onDrain(_ callback: @escaping @Sendable () -> Void) -> UInt64 {
        let ticket = state.withLock { state -> UInt64? in
            if state.isDraining { return nil }
            state.next += 1
            state.callbacks[state.next] = callback
            return state.next
        }
        if ticket == nil { callback() }
        return ticket ?? 0
    }

    /// Takes a callback back.
    func forget(_ ticket: UInt64) { state.withLock { state in _ = state.callbacks.removeValue(forKey: ticket) } }

    /// Begins draining.
    func begin() {
        let callbacks = state.withLock { state in
            state.isDraining = true
            defer { state.callbacks = [:] }
            return Array(state.callbacks.values)
        }
        for callback in callbacks { callback() }
    }
}
