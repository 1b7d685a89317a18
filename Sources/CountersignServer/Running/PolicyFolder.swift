package import Cedar

/// The policy files: every `*.cedar` and `*.cedar.json` below one folder is one set (DESIGN 9).
package struct PolicyFolder: Sendable {
    /// The folder.
    package let path: String

    /// Names a folder.
    package init(path: String) { self.path = path }

    /// The files, sorted by name; empty if the folder is not there.
    ///
    /// Throws where some of it cannot be looked at: a rule that is not seen is a rule that does not hold.
    package func files() throws(StartupError) -> [String] { try files(ending: ".cedar", ".cedar.json") }

    /// The files of test cases, sorted by name; empty if the folder is not there.
    package func caseFiles() throws(StartupError) -> [String] { try files(ending: ".test.yaml") }

    private func files(ending suffixes: String...) throws(StartupError) -> [String] {
        guard LocalFile.exists(path) else { return [] }
        var walk = Walk(suffixes: suffixes)
        try walk.enter(path, under: "", depth: 0)
        return walk.files
    }

    /// The sources, named relative to the folder.
    package func sources() throws(StartupError) -> [PolicySource] {
        var sources = [PolicySource]()
        for file in try files() { sources.append(try Self.source(path + "/" + file, name: file)) }
        return sources
    }

    /// The sources of files and folders, named as the paths lead to them.
    package static func sources(of paths: [String]) throws(StartupError) -> [PolicySource] {
        var sources = [PolicySource]()
        for path in paths.map(FilePath.plain) {
            if LocalFile.isFolder(path) {
                for file in try PolicyFolder(path: path).files() {
                    let place = FilePath.resolve(file, relativeTo: path)
                    sources.append(try source(place, name: place))
                }
            } else {
                sources.append(try source(path, name: path))
            }
        }
        return sources
    }

    private static func source(_ path: String, name: String) throws(StartupError) -> PolicySource {
        switch LocalFile.read(path) {
        case .failure(let problem): throw StartupError("cannot read the policy \(path): \(problem.message)")
        case .success(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw StartupError("the policy \(path) is not UTF-8 text; save it as UTF-8")
            }
            return PolicySource(name: name, text: text)
        }
    }
}

/// Collects the files below a folder, each folder once, however many links lead to it.
private struct Walk {
    private static let deepest = 16

    let suffixes: [String]
    private(set) var files = [String]()
    private var seen = Set<FileIdentity>()

    init(suffixes: [String]) { self.suffixes = suffixes }

    mutating func enter(_ folder: String, under prefix: String, depth: Int) throws(StartupError) {
        guard let identity = FileIdentity(folder), let names = LocalFile.names(in: folder) else {
            throw StartupError(
                "cannot list the policy folder \(folder); the user that runs this must be able to read it"
            )
        }
        guard seen.insert(identity).inserted else { return }
        guard depth < Self.deepest else {
            throw StartupError("the policy folder \(folder) is more than \(Self.deepest) folders deep; move it up")
        }
        // Editors keep drafts and backups in hidden files.
        for name in names where name.utf8.first != UInt8(ascii: ".") {
            let place = folder + "/" + name
            // A link that leads nowhere, or a folder whose entries may be listed and not looked at, may hold rules.
            guard FileIdentity(place) != nil else {
                throw StartupError("cannot look at \(place) in the policy folder; mend it, or take it away")
            }
            if LocalFile.isFolder(place) {
                try enter(place, under: prefix + name + "/", depth: depth + 1)
            } else if suffixes.contains(where: name.hasSuffix) {
                files.append(prefix + name)
            } else if suffixes.contains(where: name.lowercased().hasSuffix) {
                throw StartupError("the file \(place) is not read: write its ending in lower case")
            }
        }
    }
}
