import HTTPWire
import NIOCore

/// Random messages, cuts and damage, all following from a seed.
enum RandomMessage {
    private static let tokenBytes = Array("abcXYZ019!#$%&'*+-.^_`|~".utf8)
    private static let valueScalars = Array("aZ0 \t,;\":é\u{301}😀".unicodeScalars)

    /// The events of a request that a parser may report.
    static func request(using generator: inout SeededGenerator) -> [RequestEvent] {
        var fields = HeaderFields()
        fields.append(name: "Host", value: "a.example")
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
            fields.append(name: "x-" + token(using: &generator), value: value(using: &generator))
        }
        var head = RequestHead(method: token(using: &generator), target: "/" + token(using: &generator))
        head.target.removeAll { $0 == "^" }
        let length = Int.random(in: 1...40, using: &generator)
        let body = ByteBuffer(bytes: (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        var events: [RequestEvent] = []
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: break
        case 1:
            head.framing = .length(UInt64(body.readableBytes))
            fields.append(name: "content-length", value: String(body.readableBytes))
            events.append(.body(body))
        case 2:
            head.framing = .chunked
            fields.append(name: "Transfer-Encoding", value: "chunked")
            events.append(.body(body))
        case _:
            head.framing = .chunked
            fields.append(name: "Transfer-Encoding", value: "chunked")
            var trailers = HeaderFields()
            trailers.append(name: "x-" + token(using: &generator), value: value(using: &generator))
            events = [.body(body), .trailers(trailers)]
        }
        if Bool.random(using: &generator) {
            head.keepAlive = false
            fields.append(name: "CONNECTION", value: "Close")
        }
        head.fields = fields
        return [.head(head)] + events + [.end]
    }

    /// Bytes in up to four pieces.
    static func cut(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [[UInt8]] {
        let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &generator) }.sorted()
        let bounds = [0] + cuts + [bytes.count]
        return zip(bounds, bounds.dropFirst()).map { Array(bytes[$0..<$1]) }
    }

    /// Damages bytes in one to three places.
    static func mutate(_ bytes: inout [UInt8], with corpus: [[UInt8]], using generator: inout SeededGenerator) {
        let special = Array("\r\n\t :;,/0123456789aAfF\0%\u{7F}\\[]_-+".utf8) + [0x80, 0xC3, 0xFF]
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
            let position = Int.random(in: bytes.indices, using: &generator)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: bytes[position] = UInt8.random(in: .min ... .max, using: &generator)
            case 1: bytes[position] = special.randomElement(using: &generator) ?? 0
            case 2: bytes.remove(at: position)
            case 3: bytes.insert(special.randomElement(using: &generator) ?? 0, at: position)
            case 4: bytes[position] ^= 0x20
            case 5:
                let end = min(bytes.count, position + Int.random(in: 1...12, using: &generator))
                bytes.insert(contentsOf: bytes[position..<end], at: position)
            case 6:
                let end = min(bytes.count, position + Int.random(in: 1...12, using: &generator))
                bytes.removeSubrange(position..<end)
            case _:
                let other = corpus[Int.random(in: corpus.indices, using: &generator)]
                let start = Int.random(in: other.indices, using: &generator)
                bytes.insert(contentsOf: other[start...].prefix(20), at: position)
            }
        }
    }

    private static func token(using generator: inout SeededGenerator) -> String {
        let bytes = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
            tokenBytes[Int.random(in: tokenBytes.indices, using: &generator)]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func value(using generator: inout SeededGenerator) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...20, using: &generator) {
            text.append(valueScalars[Int.random(in: valueScalars.indices, using: &generator)])
        }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        return String(text)
    }
}
