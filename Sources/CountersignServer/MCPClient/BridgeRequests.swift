import MCPWire
import Synchronization

/// A request of the host's that is under way.
final class BridgeRequest: Sendable {
    /// Ends its HTTP exchange.
    let end = CallEnd()
    private let isForgotten = Mutex(false)

    /// Whether the host wants no answer any more.
    var isCancelled: Bool { end.isEnded || isForgotten.withLock { $0 } }

    /// The host has cancelled it in the way of its era: the gateway is told otherwise, and ends the exchange.
    func forget() { isForgotten.withLock { $0 = true } }
}

/// The requests that are under way; the mutex guards which.
final class BridgeRequests: Sendable {
    private let all = Mutex([RequestID: BridgeRequest]())

    /// Notes one; `nil` if its id is in use.
    func begin(_ id: RequestID) -> BridgeRequest? {
        all.withLock { all in
            guard all[id] == nil else { return nil }
            let request = BridgeRequest()
            all[id] = request
            return request
        }
    }

    subscript(id: RequestID) -> BridgeRequest? { all.withLock { $0[id] } }

    /// Forgets one.
    func end(_ id: RequestID) { all.withLock { $0[id] = nil } }

    /// Ends every exchange.
    func endAll() {
        for request in all.withLock({ Array($0.values) }) { request.end.end() }
    }
}
