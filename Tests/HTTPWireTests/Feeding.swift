import HTTPWire
import NIOCore

/// What a parser made of some bytes: its events, neighbouring body slices joined, and how it ended.
struct Outcome<Event: Hashable>: Hashable {
    var events: [Event] = []
    var code: WireErrorCode?
}

/// Feeds a request parser piece by piece, as a connection would, and then closes.
func requests(
    _ pieces: [[UInt8]],
    limits: WireLimits = WireLimits(),
    closing: Bool = true,
) -> Outcome<RequestEvent> {
    var parser = RequestParser(limits: limits)
    var buffer = ByteBuffer()
    var outcome = Outcome<RequestEvent>()
    do throws(WireError) {
        for piece in pieces {
            buffer.writeBytes(piece)
            while let event = try parser.next(&buffer) {
                if case .body(let bytes) = event, case .body(var joined)? = outcome.events.last {
                    joined.writeImmutableBuffer(bytes)
                    outcome.events[outcome.events.count - 1] = .body(joined)
                } else {
                    outcome.events.append(event)
                }
            }
        }
        if closing { try parser.inputEnded() }
    } catch {
        outcome.code = error.code
    }
    return outcome
}

/// Feeds a response parser that expects answers to these methods, and then closes.
func responses(
    _ pieces: [[UInt8]],
    to methods: [String] = ["GET"],
    limits: WireLimits = WireLimits(),
    offersUpgrade: Bool = false,
    closing: Bool = true,
) -> Outcome<ResponseEvent> {
    var parser = ResponseParser(limits: limits)
    var buffer = ByteBuffer()
    var outcome = Outcome<ResponseEvent>()
    var waiting = methods[...]
    do throws(WireError) {
        for piece in pieces {
            buffer.writeBytes(piece)
            while true {
                if parser.isIdle, let method = waiting.popFirst() {
                    parser.expectResponse(toMethod: method, offersUpgrade: offersUpgrade)
                }
                guard let event = try parser.next(&buffer) else { break }
                if case .body(let bytes) = event, case .body(var joined)? = outcome.events.last {
                    joined.writeImmutableBuffer(bytes)
                    outcome.events[outcome.events.count - 1] = .body(joined)
                } else {
                    outcome.events.append(event)
                }
            }
        }
        if closing, let event = try parser.inputEnded() { outcome.events.append(event) }
    } catch {
        outcome.code = error.code
    }
    return outcome
}

/// The bytes of a message written with `\n` for CRLF, so that tables stay readable.
func wire(_ text: String) -> [UInt8] {
    Array(text.utf8).flatMap { $0 == UInt8(ascii: "\n") ? [13, 10] : [$0] }
}

/// The bytes of a text, line ends as written.
func raw(_ text: String) -> [UInt8] { Array(text.utf8) }

/// All ways to cut bytes in two, and into single bytes.
func splits(_ bytes: [UInt8]) -> [[[UInt8]]] {
    (0...bytes.count).map { [Array(bytes[..<$0]), Array(bytes[$0...])] } + [[[]] + bytes.map { [$0] }]
}

extension Outcome<RequestEvent> {
    var heads: [RequestHead] {
        events.compactMap { if case .head(let head) = $0 { head } else { nil } }
    }

    var bodies: [String] {
        events.compactMap { if case .body(let bytes) = $0 { String(buffer: bytes) } else { nil } }
    }
}

extension Outcome<ResponseEvent> {
    var heads: [ResponseHead] {
        events.compactMap { if case .head(let head) = $0 { head } else { nil } }
    }

    var bodies: [String] {
        events.compactMap { if case .body(let bytes) = $0 { String(buffer: bytes) } else { nil } }
    }
}

/// A small generator whose sequence follows from its seed (SplitMix64), so that a failure can be run again.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
