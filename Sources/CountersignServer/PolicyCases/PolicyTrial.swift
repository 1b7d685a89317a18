package import Cedar
package import CountersignCore

/// Runs files of policy cases against the policies that they are about.
package struct PolicyTrial: Sendable {
    /// What came of the cases, in the order of the files.
    package private(set) var results: [PolicyCaseResult] = []
    /// Every policy that a file was about, in the order of the files; each once.
    package private(set) var policies: [Policy] = []
    private var exercised = Set<Place>()

    private struct Place: Hashable {
        let file: String
        let offset: Int
        /// Links share their template's place.
        let id: String

        init(_ policy: Policy) {
            (file, offset, id) = (policy.position.file, policy.position.offset, policy.id)
        }
    }

    /// A file of cases, and the policies it is about unless it says so itself.
    package struct Target: Hashable, Sendable {
        /// The file of cases.
        package let path: String
        /// Files and folders of policies.
        package let policies: [String]
    }

    /// What is to be run.
    package struct Plan: Sendable {
        /// The files of cases.
        package let targets: [Target]
        /// Policies that are asked whatever the files say; `nil` for those that the files are about.
        package let policies: [String]?
        /// Groups that there are beside those of files and configuration.
        package let groups: Set<GroupName>
        /// Who and what there is where the files do not say.
        package let configuration: Configuration
        /// The accepted definitions of tools, by which calls of them are translated; `nil` if nobody named any.
        package let definitions: AcceptedDefinitions?

        /// Finds the files of cases: those named, those below the folders named, or those of the configuration.
        package init(
            paths: [String],
            policies: [String]?,
            groups: Set<GroupName>,
            configuration: Configuration,
            definitions: AcceptedDefinitions? = nil,
        ) throws(StartupError) {
            let own = FilePath.plain(configuration.policies)
            var targets = [Target]()
            for path in paths.isEmpty ? [own] : paths.map(FilePath.plain) {
                if LocalFile.isFolder(path) || (paths.isEmpty && !LocalFile.exists(path)) {
                    targets += try PolicyFolder(path: path).caseFiles().map { file in
                        Target(path: FilePath.resolve(file, relativeTo: path), policies: [path])
                    }
                    continue
                }
                let isOwn = path.utf8.starts(with: (own + "/").utf8)
                let folder = FilePath.folder(of: path)
                targets.append(Target(path: path, policies: [isOwn ? own : folder.isEmpty ? "." : folder]))
            }
            self.targets = targets
            self.policies = policies
            self.groups = groups
            self.configuration = configuration
            self.definitions = definitions
        }
    }

    /// Runs all cases; throws what is wrong with a file or with the policies.
    package init(_ plan: Plan) throws {
        for target in plan.targets {
            let file: CaseFile
            switch LocalFile.read(target.path) {
            case .failure(let problem): throw StartupError("cannot read \(target.path): \(problem.message)")
            case .success(let bytes):
                file = try CaseFile.read(
                    path: target.path,
                    bytes: bytes,
                    configuration: plan.configuration,
                    definitions: plan.definitions,
                )
            }
            let paths = plan.policies ?? file.policies ?? target.policies
            let sources = try PolicyFolder.sources(of: paths)
            guard !sources.isEmpty else {
                throw StartupError("\(target.path) is about no policy: there is no .cedar file in \(paths[0])")
            }
            let set = try GatedPolicySet(parsing: sources, groups: file.groups.union(plan.groups))
            run(file, set)
        }
    }

    private mutating func run(_ file: CaseFile, _ set: GatedPolicySet) {
        let known = Set(policies.map { Place($0) })
        policies += set.policies.policies.filter { !known.contains(Place($0)) }
        for policyCase in file.cases {
            let result = policyCase.judged(by: set)
            exercised.formUnion(result.exercised.map { Place(set.policies.policies[$0]) })
            results.append(result)
        }
    }

    /// The cases that did not pass.
    package var failed: [PolicyCaseResult] { results.filter { !$0.isPassed } }

    /// The policies that no case satisfied or broke.
    package var unexercised: [Policy] { policies.filter { !exercised.contains(Place($0)) } }
}
