package import CanonicalJSON

/// What an examination has found, and how much it looked at.
package struct LogReport: Sendable {
    /// How many entries were read.
    package var entries: UInt64 = 0
    /// The root of the tree of these entries, in base64; `nil` if they were not all read.
    package var root: String?
    /// How many signed heads were compared with the tree: remembered, cosigned, published, given.
    package var checkpoints = 0
    /// How many payloads are what their entries commit to.
    package var payloads: UInt64 = 0
    /// How many payloads were erased, as an entry says.
    package var erased: UInt64 = 0
    /// How many approvals are what the entries say.
    package var approvals: Int64 = 0
    /// How many agents, users, keys and sessions are what the entries say.
    package var identities = 0
    /// What is wrong, in the order in which it was found.
    package var findings: [LogFinding] = []

    /// Nothing was looked at yet.
    package init() {}

    /// Whether nothing is wrong.
    package var isGood: Bool { findings.allSatisfy(\.isWarning) }
}

/// Where an examination is.
package struct LogProgress: Hashable, Sendable {
    /// What it looks at.
    package enum Stage: String, Hashable, Sendable {
        /// SQLite's own checks.
        case file
        /// The entries, one after the other.
        case entries
        /// The tables.
        case tables
    }

    /// What it looks at.
    package let stage: Stage
    /// How many entries it has read.
    package let done: UInt64
    /// How many there are.
    package let total: UInt64

    /// Names a place.
    package init(_ stage: Stage, done: UInt64, total: UInt64) {
        self.stage = stage
        self.done = done
        self.total = total
    }
}

extension LogReport {
    /// The report for programs.
    package var json: JSONObject {
        func number(_ value: some BinaryInteger) -> JSONValue { .integer(Int64(clamping: value)) }
        return JSONObject([
            ("approvals", number(approvals)), ("checkpoints", number(checkpoints)), ("entries", number(entries)),
            ("findings", .array(findings.map { .object($0.json) })), ("identities", number(identities)),
            ("ok", .bool(isGood)), ("payloads", ["erased": number(erased), "present": number(payloads)]),
            ("root", root.map { .string($0) } ?? .null),
        ])
    }
}

extension LogFinding {
    /// The finding for programs.
    package var json: JSONObject {
        var object = JSONObject([
            ("code", .string(code.rawValue)), ("message", .string(message)), ("place", .string(place)),
            ("remedy", .string(remedy)), ("warning", .bool(isWarning)),
        ])
        if let expected { object["expected"] = .string(expected) }
        if let found { object["found"] = .string(found) }
        return object
    }
}
