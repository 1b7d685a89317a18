import ArgumentParser
import CanonicalJSON
import CountersignCore
import CountersignServer

extension PolicyCommand {
    /// The command `countersign policy init`.
    struct Init: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes a ready policy pack, a .cedar file with its cases; lists the packs without a name.",
            discussion: """
                Packs: \(PolicyPack.all.map(\.name).joined(separator: ", ")).

                In the folder that a running gateway uses, a pack is in force within a second, if it would load; write \
                it with --into drafts there. Exits with 6, and writes nothing, if a file of the pack is there already.
                """,
        )

        @Argument(help: "The pack; without one, the packs are listed.")
        var pack: String?

        @Option(help: "The folder to write into; the configuration's folder of policies if none is given.")
        var into: String?

        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            guard let name = pack else { return list() }
            let (pack, nearest) = PolicyPack.find(name)
            guard let pack else {
                let known = PolicyPack.all.map(\.name).joined(separator: ", ")
                let advice = nearest.map { "did you mean \($0)?" } ?? "there are \(known)"
                throw Failure(.notFound, "there is no pack \(name); \(advice)")
            }
            let loaded = try configuration.load()
            let folder = FilePath.plain(into ?? loaded.policies)
            let files: [String]
            do {
                files = try pack.write(into: folder)
            } catch {
                throw Failure(.conflict, error.description)
            }
            let groups = try pack.groups
            let known = try loaded.declaredDirectory().groups
            let missing = groups.filter { !known.contains($0) }
            let value: JSONValue = [
                "files": .array(files.map { .string($0) }), "groups": .array(groups.map { .string($0.rawValue) }),
                "groups_without_members": .array(missing.map { .string($0.rawValue) }), "pack": .string(pack.name),
            ]
            format.print(value) {
                for file in files { Output.line("wrote \(file)") }
                Output.line("\nNext:")
                Output.line("  1. Read \(files[0]), and adapt what its first lines say.")
                Output.line("     It names the groups \(groups.map(\.rawValue).joined(separator: ", ")).")
                if !missing.isEmpty {
                    let names = missing.map(\.rawValue).joined(separator: ", ")
                    Output.line("     Nobody is in \(names): put your agents and users into them in countersign.yaml.")
                }
                Output.line("  2. countersign policy test \(folder)")
                Output.line("  3. countersign policy check \(folder)")
                if !missing.isEmpty { Output.line("     It fails until each of those groups has a member.") }
                Output.line(
                    "\nIf a gateway runs with this folder, the pack is in force within a second of passing the check."
                )
                Output.line("To try it first, write it with --into drafts, and move the files when you mean it.")
            }
        }

        private func list() {
            let packs = PolicyPack.all.map { pack -> JSONValue in
                ["name": .string(pack.name), "summary": .string(pack.summary)]
            }
            format.print(["packs": .array(packs)]) {
                let rows = PolicyPack.all.map { [$0.name, $0.summary] }
                Output.table(["PACK", "WHAT IT DOES"], rows, empty: "There are no packs.")
                Output.line("\nWrite one with: countersign policy init PACK")
            }
        }
    }
}
