package import Cedar

/// The policy files: every `*.cedar` below one folder is one set (DESIGN 9).
package struct PolicyFolder: Sendable {
    /// The folder.
    package let path: String

    /// Names a folder.
    package init(path: String) { self.path = path }

    /// The files, sorted by name; empty if the folder is not there.
    package func files() -> [String] {
        LocalFile.exists(path) ? Self.files(in: path, under: "", depth: 0) : []
    }

    /// The sources, named relative to the folder.
    package func sources() throws(StartupError) -> [PolicySource] {
        var sources = [PolicySource]()
        for file in files() {
            switch LocalFile.read(path + "/" + file) {
            case .failure(let problem): throw StartupError("cannot read the policy \(path)/\(file): \(problem.message)")
            case .success(let bytes):
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw StartupError("the policy \(path)/\(file) is not UTF-8 text; save it as UTF-8")
                }
                sources.append(PolicySource(name: file, text: text))
            }
        }
        return sources
    }

    private static func files(in folder: String, under prefix: String, depth: Int) -> [String] {
        guard depth < 16, let names = LocalFile.names(in: folder) else { return [] }
        return names.flatMap { name -> [String] in
            // Editors keep drafts and backups in hidden files.
            guard name.utf8.first != UInt8(ascii: ".") else { return [] }
            let place = folder + "/" + name
            if LocalFile.isFolder(place) { return files(in: place, under: prefix + name + "/", depth: depth + 1) }
            return name.hasSuffix(".cedar") ? [prefix + name] : []
        }
    }
}
