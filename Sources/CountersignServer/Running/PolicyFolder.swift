package import Cedar

/// The policy files: every `*.cedar` and `*.cedar.json` below one folder is one set (DESIGN 9).
package struct PolicyFolder: Sendable {
    /// The folder.
    package let path: String

    /// Names a folder.
    package init(path: String) { self.path = path }

    /// The files, sorted by name; empty if the folder is not there.
    package func files() -> [String] { files(ending: ".cedar", ".cedar.json") }

    /// The files of test cases, sorted by name; empty if the folder is not there.
    package func caseFiles() -> [String] { files(ending: ".test.yaml") }

    private func files(ending suffixes: String...) -> [String] {
        LocalFile.exists(path) ? Self.files(in: path, ending: suffixes, under: "", depth: 0) : []
    }

    /// The sources, named relative to the folder.
    package func sources() throws(StartupError) -> [PolicySource] {
        var sources = [PolicySource]()
        for file in files() { sources.append(try Self.source(path + "/" + file, name: file)) }
        return sources
    }

    /// The sources of files and folders, named as the paths lead to them.
    package static func sources(of paths: [String]) throws(StartupError) -> [PolicySource] {
        var sources = [PolicySource]()
        for path in paths.map(FilePath.plain) {
            if LocalFile.isFolder(path) {
                for file in PolicyFolder(path: path).files() {
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

    private static func files(
        in folder: String,
        ending suffixes: [String],
        under prefix: String,
        depth: Int,
    ) -> [String] {
        guard depth < 16, let names = LocalFile.names(in: folder) else { return [] }
        return names.flatMap { name -> [String] in
            // Editors keep drafts and backups in hidden files.
            guard name.utf8.first != UInt8(ascii: ".") else { return [] }
            let place = folder + "/" + name
            if LocalFile.isFolder(place) {
                return files(in: place, ending: suffixes, under: prefix + name + "/", depth: depth + 1)
            }
            return suffixes.contains(where: name.hasSuffix) ? [prefix + name] : []
        }
    }
}
