import CountersignIdentity
import Crypto
import Foundation
import Testing
import TransparencyLog

@Suite(.timeLimit(.minutes(10)))
struct DataKeysTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("keys are made once, private, and found again")
    func made() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try DataKeys.load(data: folder, origin: "example.com/log")
        #expect(try mode(folder) == 0o700)
        #expect(try mode(folder + "/keys") == 0o700)
        for name in ["log.key", "token.key", "grant.key"] { #expect(try mode(folder + "/keys/" + name) == 0o600) }
        let second = try DataKeys.load(data: folder, origin: "example.com/log")
        #expect(first.log.encoded == second.log.encoded)
        #expect(first.token.rawRepresentation == second.token.rawRepresentation)
        #expect(try DataKeys.verifierKey(data: folder) == first.log.verifier.vkey)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/keys").count == 3)
    }

    @Test("keys that others can read are refused, with the command that mends it", arguments: [0o640, 0o604, 0o660])
    func permissions(mode: Int) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try DataKeys.load(data: folder, origin: "example.com/log")
        let path = folder + "/keys/token.key"
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        let error = #expect(throws: KeyError.self) { try DataKeys.load(data: folder, origin: "example.com/log") }
        #expect(error?.description.contains("chmod 600 \(path)") == true)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        try FileManager.default.setAttributes([.posixPermissions: 0o750], ofItemAtPath: folder + "/keys")
        let other = #expect(throws: KeyError.self) { try DataKeys.load(data: folder, origin: "example.com/log") }
        #expect(other?.description.contains("chmod 700 \(folder)/keys") == true)
    }

    @Test("a log keeps its origin, and a damaged key is not replaced")
    func damaged() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try DataKeys.load(data: folder, origin: "example.com/log")
        let error = #expect(throws: KeyError.self) { try DataKeys.load(data: folder, origin: "example.com/other") }
        #expect(error?.description.contains("set log.origin to \"example.com/log\"") == true)
        let path = folder + "/keys/grant.key"
        try "nonsense\n".write(toFile: path, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        #expect(throws: KeyError.self) { try DataKeys.load(data: folder, origin: "example.com/log") }
    }
}
