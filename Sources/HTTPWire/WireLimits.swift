/// How much of a head or trailer section a parser reads before it gives up.
///
/// Both limits are enforced while bytes arrive, so an endless head never grows a buffer beyond them.
package struct WireLimits: Hashable, Sendable {
    /// The most bytes of a head: start line, fields and the empty line; also the most bytes of a trailer section.
    package var maximumHeadBytes: Int
    /// The most field lines of a head, and of a trailer section.
    package var maximumFields: Int

    /// 32 KiB and 100 fields unless told otherwise.
    package init(maximumHeadBytes: Int = 32 * 1024, maximumFields: Int = 100) {
        self.maximumHeadBytes = maximumHeadBytes
        self.maximumFields = maximumFields
    }
}
