/// How much a text may ask of the parser, and which numbers it may hold.
package struct JSONLimits: Hashable, Sendable {
    /// Which numbers are kept and which are refused; overflow to infinity is always refused.
    package enum NumberPolicy: Hashable, Sendable {
        /// Only what every I-JSON reader (RFC 7493, section 2.2) understands alike.
        ///
        /// Refused are integers outside ±(2⁵³ − 1); literals of more than 17 significant digits; literals other than
        /// zero that become zero; and numbers such as `1e20` whose canonical form would be a refused integer. So what
        /// is accepted has a canonical form that is accepted.
        case iJSON
        /// Any integer of 64 bits as it stands, every other number as the nearest double.
        ///
        /// Not for texts that are hashed: integers beyond 2⁵³ that differ can have one canonical form.
        case int64
    }

    /// What recursion is safe with on any thread's stack.
    static let depthCeiling = 512

    /// The most containers within each other; never more than 512, whatever is asked.
    package var maxDepth: Int
    /// The most bytes.
    package var maxBytes: Int
    /// Which numbers are kept.
    package var numbers: NumberPolicy
    /// Whether strings may hold U+FDD0…U+FDEF and U+…FFFE, U+…FFFF, which RFC 8259 allows and RFC 7493 does not.
    package var allowsNoncharacters: Bool

    /// The limits for texts from strangers.
    package init(
        maxDepth: Int = 64,
        maxBytes: Int = 16 * 1024 * 1024,
        numbers: NumberPolicy = .iJSON,
        allowsNoncharacters: Bool = false,
    ) {
        self.maxDepth = maxDepth
        self.maxBytes = maxBytes
        self.numbers = numbers
        self.allowsNoncharacters = allowsNoncharacters
    }
}
