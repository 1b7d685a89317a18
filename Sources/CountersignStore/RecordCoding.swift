import CountersignCore
import Foundation

/// How records other than entries are stored: as JSON, so that a later version can read them.
enum RecordCoding {
    /// Writes a record.
    static func encode(_ record: some Encodable) throws(LedgerError) -> [UInt8] { try json(record) }

    private static func json(_ record: some Encodable) throws(LedgerError) -> [UInt8] {
        do {
            return [UInt8](try JSONEncoder().encode(record))
        } catch {
            throw LedgerError(.corrupt, "a record cannot be written: \(error)")
        }
    }

    /// Writes an approval; its document is sealed apart, and whether it was erased is a column.
    static func encode(_ approval: Approval) throws(LedgerError) -> [UInt8] {
        var record = approval
        record.document = nil
        record.erasedBy = nil
        return try json(record)
    }

    /// Reads a record.
    static func decode<Record: Decodable>(_ type: Record.Type, _ bytes: [UInt8]) throws(LedgerError) -> Record {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw LedgerError(.corrupt, "a stored \(type) cannot be read: \(error)")
        }
    }
}
