/// The right side of `like`: literal pieces with `*` between them, each of which stands for any text.
package struct Pattern: Hashable, Sendable {
    /// The literal bytes between the wildcards; one more than there are wildcards.
    let pieces: [[UInt8]]

    init(pieces: [[UInt8]]) { self.pieces = pieces }
}
