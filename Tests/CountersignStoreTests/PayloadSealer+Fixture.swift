import Testing

@testable import CountersignStore

extension PayloadKey {
    /// A key whose bytes are all the same.
    static func fixture(_ byte: UInt8) throws -> PayloadKey {
        try #require(PayloadKey(bytes: [UInt8](repeating: byte, count: PayloadKey.byteCount)))
    }
}

extension PayloadSealer {
    /// What tests seal with that are about something else.
    static let fixture: PayloadSealer = {
        guard let key = PayloadKey(bytes: [UInt8](repeating: 9, count: PayloadKey.byteCount)) else {
            preconditionFailure("a key has 32 bytes")
        }
        return PayloadSealer(key: key)
    }()
}
