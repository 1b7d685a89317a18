import Cedar
package import CountersignCore

/// Configuration and policies as the files say them, loaded as one unit.
package struct LoadedFiles: Sendable {
    /// The configuration.
    package let configuration: Configuration
    /// The policy files.
    let sources: [PolicySource]
    /// What the files looked like when they were read.
    let stamps: [String: FileStamp]

    /// Reads the files.
    ///
    /// Policies are only parsed by ``policy(groups:)``, which needs to know the groups.
    package static func load(
        file: String,
        world: ConfigurationWorld,
        adjust: @Sendable (inout Configuration) -> Void = { _ in },
    ) throws(StartupError) -> LoadedFiles {
        // Stamps first: a file that is written while it is read is then read again.
        let before = FileStamp(file)
        var configuration: Configuration
        switch world.read(file) {
        case .failure(let problem):
            throw StartupError(
                "cannot read the configuration \(file): \(problem.message); name one with --config, or try "
                    + "`countersign serve --quickstart`"
            )
        case .success(let bytes):
            do {
                configuration = try Configuration.read(file: file, bytes: bytes, world: world)
            } catch {
                throw StartupError("the configuration has errors:\n\(error)")
            }
        }
        adjust(&configuration)
        var stamps = LoadedFiles.stamps(configuration)
        stamps[file] = before
        let sources = try PolicyFolder(path: configuration.policies).sources()
        return LoadedFiles(configuration: configuration, sources: sources, stamps: stamps)
    }

    /// What the files look like now.
    func stampsNow() -> [String: FileStamp] { Self.stamps(configuration) }

    /// The policy set, checked against the groups that there are.
    package func policy(groups: Set<GroupName>) throws(StartupError) -> GatedPolicySet {
        do {
            return try GatedPolicySet(parsing: sources, groups: groups)
        } catch {
            throw StartupError("the policies in \(configuration.policies) have errors:\n\(error)")
        }
    }

    private static func stamps(_ configuration: Configuration) -> [String: FileStamp] {
        var stamps = [String: FileStamp]()
        stamps[configuration.file] = FileStamp(configuration.file)
        // Where the folder cannot be listed, what was seen is no longer there: that is a change, and loading it says why.
        for name in (try? PolicyFolder(path: configuration.policies).files()) ?? [] {
            let path = configuration.policies + "/" + name
            stamps[path] = FileStamp(path)
        }
        return stamps
    }
}
