import CountersignLog
import Foundation
import Testing

@Suite("A folder on a disk", .timeLimit(.minutes(10)))
struct DiskFolderTests {
    /// Lends a new folder's path.
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("countersign-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    private func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("files are replaced whole, with the rights that their readers need")
    func replacing() async throws {
        try await withFolder { path in
            let folder = DiskFolder(path: path + "/a/b", isPublic: true)
            #expect(try await folder.read("tile/0/x001/067") == nil)
            #expect(try await folder.names(in: "tile") == [])
            try await folder.write([
                FolderFile(name: "tile/0/x001/067", bytes: [1, 2]), FolderFile(name: "checkpoint", bytes: [3]),
            ])
            try await folder.write([FolderFile(name: "checkpoint", bytes: [4, 5])])
            #expect(try await folder.read("tile/0/x001/067") == [1, 2])
            #expect(try await folder.read("checkpoint") == [4, 5])
            #expect(try await folder.names(in: "") == ["checkpoint", "tile"])
            #expect(try mode(path + "/a/b/checkpoint") == 0o644)
            #expect(try mode(path + "/a/b/tile/0/x001") == 0o755)
            try await folder.remove(["tile/0/x001/067", "tile/0/nothing"])
            #expect(try await folder.read("tile/0/x001/067") == nil)
        }
    }

    @Test("a private folder's files are its owner's alone")
    func privacy() async throws {
        try await withFolder { path in
            let folder = DiskFolder(path: path, isPublic: false)
            try await folder.write([FolderFile(name: "checkpoint", bytes: [1])])
            #expect(try mode(path) == 0o700)
            #expect(try mode(path + "/checkpoint") == 0o600)
        }
    }

    @Test("a folder of partial tiles goes with the last of them")
    func partials() async throws {
        try await withFolder { path in
            let folder = DiskFolder(path: path, isPublic: true)
            try await folder.write(["5", "9"].map { FolderFile(name: "tile/0/000.p/" + $0, bytes: [1]) })
            try await folder.remove(["tile/0/000.p/5"])
            #expect(try await folder.names(in: "tile/0") == ["000.p"])
            try await folder.remove(["tile/0/000.p/9"])
            #expect(try await folder.names(in: "tile/0") == [])
        }
    }

    @Test("a full device keeps nothing, and says which file it was")
    func fullDevice() async throws {
        try await withFolder { path in
            let folder = DiskFolder(path: path, isPublic: false)
            try await folder.write([FolderFile(name: "checkpoint", bytes: [1])])
            // Writing through to the device that is always full.
            try FileManager.default.createDirectory(atPath: path + "/full", withIntermediateDirectories: true)
            let blocked = DiskFolder(path: path + "/checkpoint", isPublic: false)
            await #expect(throws: FolderError.self) {
                try await blocked.write([FolderFile(name: "inside-a-file", bytes: [1])])
            }
            // A draft that is a folder cannot be written.
            try FileManager.default.createDirectory(
                atPath: path + "/checkpoint.new",
                withIntermediateDirectories: true,
            )
            do {
                try await folder.write([FolderFile(name: "checkpoint", bytes: [2])])
                Issue.record("there is a folder where the draft should be")
            } catch {
                #expect("\(error)".contains(path + "/checkpoint.new"))
            }
            #expect(try await folder.read("checkpoint") == [1])
        }
    }
}
