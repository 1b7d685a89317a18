import Cedar
package import CountersignCore

/// A ready policy file with its cases, for people who will not write policy by hand; the binary carries them.
package struct PolicyPack: Sendable {
    /// What it is called.
    package let name: String
    /// What it does, in a sentence.
    package let summary: String
    /// The policy file's text.
    package let policy: String
    /// The text of its file of cases.
    package let cases: String

    /// All packs, the one to begin with first.
    package static let all = [
        PolicyPack(
            "read-freely-write-with-approval",
            "agents read freely; every change waits for a person, what cannot be undone for two",
            PackageResources.read_freely_write_with_approval_cedar,
            PackageResources.read_freely_write_with_approval_test_yaml,
        ),
        PolicyPack(
            "production-change-control",
            "changes of production need a ticket, your network, a time window and approval; with a freeze",
            PackageResources.production_change_control_cedar,
            PackageResources.production_change_control_test_yaml,
        ),
        PolicyPack(
            "privilege-and-secrets",
            "changes of rights wait for two of security; secrets are held, and never exported",
            PackageResources.privilege_and_secrets_cedar,
            PackageResources.privilege_and_secrets_test_yaml,
        ),
        PolicyPack(
            "data-export",
            "data leaves in bulk only with its owner's approval, and privacy's where it is about people",
            PackageResources.data_export_cedar,
            PackageResources.data_export_test_yaml,
        ),
        PolicyPack(
            "break-glass",
            "in an incident, agents act for the engineer on call with one quick approval",
            PackageResources.break_glass_cedar,
            PackageResources.break_glass_test_yaml,
        ),
    ]

    private init(_ name: String, _ summary: String, _ policy: [UInt8], _ cases: [UInt8]) {
        self.name = name
        self.summary = summary
        self.policy = String(decoding: policy, as: UTF8.self)
        self.cases = String(decoding: cases, as: UTF8.self)
    }

    /// The pack of this name, or the known name that is nearest to it.
    package static func find(_ name: String) -> (pack: PolicyPack?, nearest: String?) {
        let pack = all.first { $0.name.utf8.elementsEqual(name.utf8) }
        return (pack, pack == nil ? NearestName.find(name, among: all.map(\.name)) : nil)
    }

    /// The groups that its policies name, sorted.
    package var groups: [GroupName] {
        get throws {
            let set = try PolicySet(parsing: [PolicySource(name: name, text: policy)], idsFromAnnotations: true)
            var names = Set<GroupName>()
            for policy in set.policies {
                for name in (policy.annotation("approvers") ?? "").split(separator: ",") {
                    if let group = GroupName(String(name.filter { $0 != " " })) { names.insert(group) }
                }
                for entity in policy.entities where entity.type == "Group" {
                    if let group = GroupName(entity.id.string) { names.insert(group) }
                }
            }
            return names.sorted()
        }
    }

    /// Writes both files into a folder; throws, and writes neither, if one is there already.
    package func write(into folder: String) throws(StartupError) -> [String] {
        let files = [(name + ".cedar", policy), (name + ".test.yaml", cases)].map { file, text in
            (path: FilePath.resolve(file, relativeTo: folder), text: text)
        }
        for file in files where LocalFile.exists(file.path) { throw Self.isThere(file.path) }
        for file in files where try !LocalFile.create(file.path, file.text) { throw Self.isThere(file.path) }
        return files.map(\.path)
    }

    private static func isThere(_ path: String) -> StartupError {
        StartupError("\(path) is there already; nothing was changed. Name another folder with --into, or move it away")
    }
}

extension Policy {
    /// The entities that scope and conditions name.
    fileprivate var entities: [EntityUID] {
        var found = [EntityUID]()
        for constraint in [scope.principal, scope.resource] {
            switch constraint {
            case .any, .isType: break
            case .equal(let entity), .within(let entity), .isTypeWithin(_, let entity): found.append(entity)
            }
        }
        var pending = conditions.map(\.body)
        while let expression = pending.popLast() {
            if case .literal(.entity(let entity)) = expression.form { found.append(entity) }
            pending += expression.form.operands
        }
        return found
    }
}
