/// A revision of MCP, named by its date.
package enum MCPRevision: String, CaseIterable, Comparable, Sendable {
    /// The first one: HTTP+SSE and stdio.
    case v2024_11_05 = "2024-11-05"
    /// Streamable HTTP, batches, tool annotations.
    case v2025_03_26 = "2025-03-26"
    /// No batches, structured results, elicitation, the `MCP-Protocol-Version` header.
    case v2025_06_18 = "2025-06-18"
    /// Experimental tasks, URL elicitation; the last with an `initialize` handshake.
    case v2025_11_25 = "2025-11-25"
    /// Stateless: what was negotiated once stands in each request's `_meta`.
    case v2026_07_28 = "2026-07-28"

    /// The newest that opens with `initialize`.
    package static let newestLegacy = MCPRevision.v2025_11_25
    /// The newest of all.
    package static let newest = MCPRevision.v2026_07_28
    /// Those without handshake, oldest first.
    package static let modern = allCases.filter(\.isModern)
    /// Those with an `initialize` handshake, oldest first.
    package static let legacy = allCases.filter { !$0.isModern }

    /// Whether each request carries its own envelope: 2026-07-28 and later.
    package var isModern: Bool { self >= .v2026_07_28 }

    /// Whether the left one is older; dates of this form sort as text does.
    package static func < (left: MCPRevision, right: MCPRevision) -> Bool { left.rawValue < right.rawValue }
}
