import CountersignCore
import Foundation
import TransparencyLog

/// The folder that the log is published to, as it was when the examination began, and later when in doubt.
struct PublishedCopy {
    /// Where it is.
    let path: String
    /// Whether it shall have the entries, and not only the hashes.
    let hasEntries: Bool
    /// The checkpoint that it promises; `nil` if it has none yet.
    let note: String?

    /// Looks into a folder.
    init(path: String, hasEntries: Bool) {
        self.path = path
        self.hasEntries = hasEntries
        note = Self.text(path + "/checkpoint")
    }

    /// Whether the gateway has published anew since.
    var isStale: Bool { Self.text(path + "/checkpoint") != note }

    /// A file's bytes; `nil` if there is none that can be read.
    func bytes(_ name: String) -> [UInt8]? { Self.bytes(path + "/" + name) }

    /// The files below `tile/` that a log of some size does not have: how many, and the first.
    func leftovers(of size: UInt64) -> (count: Int, first: String?) {
        let layout = TileLayout(size: size)
        var count = 0
        var first: String?
        let files = FileManager.default.enumerator(atPath: path + "/tile")
        while let name = files?.nextObject() as? String {
            guard files?.fileAttributes?[.type] as? FileAttributeType != .typeDirectory else { continue }
            let text = "tile/" + name
            if let tile = TilePath(parsing: text), layout.contains(tile), hasEntries || tile.content != .entries {
                continue
            }
            count += 1
            first = min(first ?? text, text)
        }
        return (count, first)
    }

    /// A small file's text; bytes that are no text are no note, which whoever parses it finds out.
    static func text(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }

    private static func bytes(_ path: String) -> [UInt8]? {
        (try? Data(contentsOf: URL(fileURLWithPath: path))).map { [UInt8]($0) }
    }
}
