/// A request target in origin-form that every server understands as the same path.
///
/// A policy is written against paths, so a path that the gateway and the server behind it may resolve differently is a
/// way around the policy. Refused therefore are: everything but origin-form; empty segments; `.` and `..` segments, in
/// any encoding; encoded slashes and backslashes; controls, encoded or not; bytes outside ASCII; escapes that are not
/// two hexadecimal digits, that decode to something other than UTF-8, or that decode to another escape (so that
/// decoding twice changes nothing); and `;`, since some servers cut path parameters off before they route
/// (`/admin;x` is `/admin` to them, `/..;/` is `/../`).
package struct RequestTarget: Hashable, Sendable, CustomStringConvertible {
    /// The target exactly as received.
    package let raw: String
    /// The percent-decoded segments, for matching only; a path that ends in `/` has an empty last segment.
    package let segments: [String]
    /// The number of bytes of `raw` before the query.
    private let pathLength: Int

    /// Reads and checks a target.
    package init(parsing raw: String) throws(WireError) {
        let bytes = Array(raw.utf8)
        guard bytes.first == UInt8(ascii: "/") else {
            throw WireError(.badTarget, "The request target is not a path; start it with `/`.")
        }
        let pathEnd = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
        try TargetGrammar.checkQuery(bytes.span.extracting(pathEnd...))
        self.segments = try TargetGrammar.segments(bytes.span.extracting(..<pathEnd))
        self.pathLength = pathEnd
        self.raw = raw
    }

    private init(raw: String, segments: [String], pathLength: Int) {
        self.raw = raw
        self.segments = segments
        self.pathLength = pathLength
    }

    /// The path exactly as received.
    package var path: String { String(decoding: raw.utf8.prefix(pathLength), as: UTF8.self) }

    /// The path in the one spelling that all its percent-encodings share: an escape of what may stand in a path as it is
    /// is written out, every other has upper-case digits (RFC 3986, sections 6.2.2.1 and 6.2.2.2, and beyond for `@` and
    /// its like, which servers decode, too).
    ///
    /// For policies, which must not depend on how an agent spells a path; upstream goes what was received.
    package var normalizedPath: String {
        let path = path
        guard path.utf8.contains(UInt8(ascii: "%")) else { return path }
        return segments.reduce(into: "") { $0 += "/" + TargetGrammar.encoded($1) }
    }

    /// What follows the first `?`, exactly as received; nil if there is none.
    package var query: String? {
        guard pathLength < raw.utf8.count else { return nil }
        return String(decoding: raw.utf8.dropFirst(pathLength + 1), as: UTF8.self)
    }

    /// The query in the one spelling that all its percent-encodings share; nil if there is none.
    ///
    /// An escape of what means the same written out is written out, every other (`%26`, `%3D`, `%2B`, `%25`, what is
    /// not ASCII) has upper-case digits (RFC 3986, section 3.4). A `+` stays: to some servers it is a space.
    package var normalizedQuery: String? {
        guard let query, query.utf8.contains(UInt8(ascii: "%")) else { return query }
        return TargetGrammar.normalized(query: Array(query.utf8).span)
    }

    /// The target exactly as received.
    package var description: String { raw }

    /// The decoded first segment, and the target that is left without it.
    ///
    /// `/orders-api/v1/x?y` gives `orders-api` and `/v1/x?y`; `/orders-api` gives `orders-api` and `/`.
    package func droppingFirstSegment() -> (segment: String, rest: RequestTarget) {
        let first = segments.first ?? ""
        let path = raw.utf8.prefix(pathLength)
        let tail = path.dropFirst()
        guard let slash = tail.firstIndex(of: UInt8(ascii: "/")) else {
            let rest = "/" + String(decoding: raw.utf8.dropFirst(pathLength), as: UTF8.self)
            return (first, RequestTarget(raw: rest, segments: [""], pathLength: 1))
        }
        let dropped = raw.utf8.distance(from: raw.utf8.startIndex, to: slash)
        let rest = String(decoding: raw.utf8[slash...], as: UTF8.self)
        let left = RequestTarget(raw: rest, segments: Array(segments.dropFirst()), pathLength: pathLength - dropped)
        return (first, left)
    }

    /// Whether both are the same bytes.
    package static func == (left: RequestTarget, right: RequestTarget) -> Bool {
        left.raw.utf8.elementsEqual(right.raw.utf8)
    }

    /// Feeds what `==` compares.
    package func hash(into hasher: inout Hasher) { hasher.combine(raw) }
}
