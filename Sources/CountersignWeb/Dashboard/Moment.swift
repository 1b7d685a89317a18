import CountersignCore

/// A moment on a page: how long ago or ahead, and the exact time.
struct Moment {
    /// RFC 3339, for the machine.
    let exact: Markup
    /// `2026-03-04 05:06:07 UTC`.
    let utc: Markup
    /// `3 min ago`, `in 5 min`; the script keeps it true.
    let relative: Markup

    /// Describes a moment as seen at `now`.
    init(_ time: Timestamp, now: Timestamp) {
        let text = time.rfc3339
        exact = Markup(text)
        utc = Markup("\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) UTC")
        let seconds = time.since(now).components.seconds
        let span = Self.span(seconds.magnitude)
        relative = Markup(seconds.magnitude < 5 ? "now" : seconds < 0 ? "\(span) ago" : "in \(span)")
    }

    private static func span(_ seconds: UInt64) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min"
        case ..<86_400: "\(seconds / 3600) h" + (seconds / 60 % 60 == 0 ? "" : " \(seconds / 60 % 60) min")
        default: "\(seconds / 86_400) d"
        }
    }
}
