/// Paths as text.
package enum FilePath {
    /// A path as seen from a folder; an absolute one stays.
    package static func resolve(_ path: String, relativeTo folder: String) -> String {
        if path.utf8.first == UInt8(ascii: "/") || folder.isEmpty { return path }
        var rest = path.utf8[...]
        while rest.starts(with: "./".utf8) { rest = rest.dropFirst(2) }
        let tail = String(Substring(rest))
        if tail.isEmpty || tail == "." { return folder }
        return folder.utf8.last == UInt8(ascii: "/") ? folder + tail : folder + "/" + tail
    }

    /// A path without `./` at its start.
    package static func plain(_ path: String) -> String {
        var rest = path.utf8[...]
        while rest.starts(with: "./".utf8) { rest = rest.dropFirst(2) }
        return rest.isEmpty ? "." : String(Substring(rest))
    }

    /// The folder that a path lies in; empty for a bare name.
    package static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }

    /// The last part of a path.
    package static func name(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }
}
