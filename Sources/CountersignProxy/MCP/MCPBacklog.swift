import Synchronization

/// What waits to go out to a listener, oldest first; of a listener that does not keep up, the oldest is dropped.
///
/// Bounded by bytes, because a server decides how large and how many its notifications are. For one reader; the mutex
/// guards the queue, and who reads is resumed outside of it.
final class MCPBacklog<Element: Sendable>: Sendable {
    private struct State {
        var waiting: [(element: Element, size: Int, isKept: Bool)?] = []
        /// What would have been dropped and must not be; it is older than all that waits.
        var kept: [Element] = []
        var first = 0
        var bytes = 0
        var isFinished = false
        var reader: CheckedContinuation<Element?, Never>?

        mutating func removeFirst() -> (element: Element, isKept: Bool)? {
            guard first < waiting.count, let next = waiting[first] else { return nil }
            waiting[first] = nil
            first += 1
            bytes -= next.size
            // Emptied now and then, so that each element is moved once at the most.
            if first > 64, first * 2 > waiting.count {
                waiting.removeFirst(first)
                first = 0
            }
            return (next.element, next.isKept)
        }

        /// Whether there was something to drop.
        mutating func drop() -> Bool {
            guard let oldest = removeFirst() else { return false }
            if oldest.isKept { kept.append(oldest.element) }
            return true
        }

        mutating func next() -> Element? { kept.isEmpty ? removeFirst()?.element : kept.removeFirst() }
    }

    /// Bytes.
    private let maximum: Int
    private let state = Mutex(State())

    /// What an element weighs apart from its text.
    private static var weight: Int { 256 }

    init(maximum: Int) { self.maximum = maximum }

    /// Adds an element of so many bytes; one that would never fit is dropped itself.
    ///
    /// One that `isKept` is not dropped for later ones; there must be few of them.
    func push(_ element: Element, size: Int, isKept: Bool = false) {
        let size = size + Self.weight
        let reader = state.withLock { state -> CheckedContinuation<Element?, Never>? in
            guard !state.isFinished, size <= maximum else { return nil }
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            state.waiting.append((element, size, isKept))
            state.bytes += size
            while state.bytes > maximum, state.drop() {}
            return nil
        }
        reader?.resume(returning: element)
    }

    /// Nothing more is added; the reader gets what waits, and then the end.
    func finish() {
        let reader = state.withLock { state in
            state.isFinished = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// The next element; `nil` at the end, which the cancellation of the reader's task is, too.
    func next() async -> Element? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Element?? in
                    if let element = state.next() { return .some(element) }
                    if state.isFinished { return .some(nil) }
                    state.reader = continuation
                    return nil
                }
                if case .some(let element) = answer { continuation.resume(returning: element) }
            }
        } onCancel: {
            finish()
        }
    }

    /// How many bytes wait.
    var bytes: Int { state.withLock { $0.bytes } }
}
