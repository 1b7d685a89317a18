/// Why a tile or an entry bundle was refused.
package enum TileError: Error, Hashable, Sendable {
    /// Nothing, or more than 256 of them, do not make a tile or bundle.
    case wrongCount
    /// An entry is longer than the 65,535 bytes that a bundle can say.
    case entryTooLong
    /// The bytes are not those of a tile or bundle of the expected width.
    case malformed
    /// The tree has no such tile or node.
    case outsideTree
    /// A tile that is needed was not given.
    case missing(TilePath)
    /// The tiles at the right edge do not have the root that was signed.
    case rootMismatch
    /// The tile is not the one that the tree's root commits to.
    case mismatch(TilePath)
}

extension TileError: CustomStringConvertible {
    /// What is wrong, in words for an operator.
    package var description: String {
        switch self {
        case .wrongCount: "a tile or entry bundle has 1 to 256 members"
        case .entryTooLong: "an entry of a bundle must not be longer than 65535 bytes"
        case .malformed: "the tile or entry bundle is malformed or not of the expected width"
        case .outsideTree: "the tree does not reach so far"
        case .missing(let path): "\(path) is needed and was not given"
        case .rootMismatch: "the partial tiles do not have the root of the signed tree"
        case .mismatch(let path): "\(path) is not part of the signed tree"
        }
    }
}

/// Why a node could not be read from tiles.
package enum TileReadError<Failure: Error>: Error {
    /// The tile could not be loaded.
    case load(TilePath, Failure)
    /// The tile was loaded and refused.
    case tile(TileError)
}

extension TileReadError: Equatable where Failure: Equatable {}
extension TileReadError: Sendable where Failure: Sendable {}

extension TileReadError: CustomStringConvertible {
    /// What is wrong, in words for an operator.
    package var description: String {
        switch self {
        case .load(let path, let failure): "\(path) could not be loaded: \(failure)"
        case .tile(let error): error.description
        }
    }
}
