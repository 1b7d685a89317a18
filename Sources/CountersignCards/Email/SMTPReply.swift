/// One answer of an SMTP server (RFC 5321, section 4.2).
struct SMTPReply: Hashable, Sendable {
    /// The three digits.
    let code: Int
    /// What follows them in each line.
    let lines: [String]

    /// The longest line with its end; the standard says 512, and servers say more.
    static let longestLine = 2048
    /// The most lines.
    static let maximumLines = 100

    /// The kind: 2 and 3 go on, 4 may be tried again, 5 is for good.
    var kind: Int { code / 100 }

    /// What an `EHLO` offers: keywords in upper case with their parameters.
    var offers: [String: [String]] {
        var offers: [String: [String]] = [:]
        for line in lines.dropFirst() {
            let words = line.uppercased().split { $0 == " " || $0 == "=" }.map { String($0) }
            guard let keyword = words.first else { continue }
            offers[keyword, default: []] += words.dropFirst()
        }
        return offers
    }
}

/// Puts answers together out of bytes, however they are split.
struct SMTPReplyReader: Sendable {
    /// What was read.
    enum Step: Hashable, Sendable {
        /// The answer is not whole yet.
        case more
        /// A whole answer.
        case reply(SMTPReply)
        /// It is no SMTP.
        case broken
    }

    private var buffer: [UInt8] = []
    private var code: Int?
    private var lines: [String] = []

    /// Whether bytes are left that belong to no answer yet.
    var isEmpty: Bool { buffer.isEmpty && lines.isEmpty }

    /// Takes bytes.
    mutating func append(_ bytes: some Sequence<UInt8>) { buffer += bytes }

    /// The next answer.
    mutating func next() -> Step {
        while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
            var line = buffer[..<end]
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            let bytes = Array(line)
            buffer.removeFirst(end + 1)
            guard bytes.count < SMTPReply.longestLine, lines.count < SMTPReply.maximumLines, bytes.count >= 3,
                bytes[..<3].allSatisfy({ $0 &- 0x30 < 10 }), (UInt8(ascii: "2")...UInt8(ascii: "5")).contains(bytes[0])
            else { return .broken }
            let number = bytes[..<3].reduce(0) { $0 * 10 + Int($1 - 48) }
            guard code == nil || code == number else { return .broken }
            code = number
            lines.append(String(decoding: bytes.dropFirst(4), as: UTF8.self))
            switch bytes.count > 3 ? bytes[3] : UInt8(ascii: " ") {
            case UInt8(ascii: "-"): continue
            case UInt8(ascii: " "):
                defer { (code, lines) = (nil, []) }
                return .reply(SMTPReply(code: number, lines: lines))
            default: return .broken
            }
        }
        return buffer.count < SMTPReply.longestLine ? .more : .broken
    }
}
