package import CountersignCore
import Yams

/// A file of policy cases, `*.test.yaml`: who and what there is, and requests with the answers that they must get.
package struct CaseFile: Sendable {
    /// The file.
    package let path: String
    /// The policy files or folders that it is about, as it names them and seen from it; `nil` if it does not say.
    package let policies: [String]?
    /// The groups that there are for its cases.
    package let groups: Set<GroupName>
    /// The cases, in the file's order.
    package let cases: [PolicyCase]

    /// The moment of a case that names none: a Wednesday, noon UTC.
    package static let noon = Timestamp(microseconds: 1_782_907_200_000_000)

    /// The source address of a case that names none: one that is for documentation only (RFC 5737).
    package static let address = "192.0.2.1"

    /// Reads a file; throws everything that is wrong with it at once.
    package static func read(
        path: String,
        bytes: [UInt8],
        configuration: Configuration,
        definitions: AcceptedDefinitions? = nil,
    ) throws(ConfigurationErrors) -> CaseFile {
        let reader = NodeReader(file: path, world: .system)
        let root = reader.compose(bytes)
        let known = ["policies", "connections", "agents", "users", "groups", "defaults", "cases"]
        let members = reader.mapping(root, "", known: known)
        var world = CaseWorld(configuration, definitions)
        world.take(members, reader)
        let requests = CaseRequestReader(reader: reader, world: world, defaults: members["defaults"])
        var cases = [PolicyCase]()
        for (index, item) in reader.list(members["cases"], "cases").enumerated() {
            if let found = requests.policyCase(item, "cases[\(index)]") { cases.append(found) }
        }
        if cases.isEmpty, reader.problems.isEmpty { reader.fail(members["cases"] ?? root, "cases", "has no case") }
        let policies = members["policies"].map { node in
            reader.list(node, "policies").enumerated().compactMap { reader.path($1, "policies[\($0)]") }
        }
        var groups = world.groups
        if reader.problems.isEmpty, let directory = try? world.directory() { groups.formUnion(directory.groups) }
        try reader.finish()
        return CaseFile(path: path, policies: policies, groups: groups, cases: cases)
    }
}
