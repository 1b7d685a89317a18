/// A ZIP archive of small files, stored as they are (PKWARE APPNOTE, sections 4.3.7, 4.3.12 and 4.3.16).
///
/// Names, order and times are fixed, so the same files make the same archive.
enum StoredZip {
    /// Packs files of ASCII names.
    static func pack(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        var archive: [UInt8] = []
        var directory: [UInt8] = []
        for (name, bytes) in files {
            let offset = archive.count
            // Version 2.0, no flags, stored; the first moment that the format has.
            let common =
                little(20, 2) + little(0, 2) + little(0, 2) + little(0, 2) + little(0x21, 2)
                + little(Int(CRC32.of(bytes)), 4) + little(bytes.count, 4) + little(bytes.count, 4)
                + little(name.utf8.count, 2) + little(0, 2)
            archive += little(0x0403_4B50, 4) + common + Array(name.utf8) + bytes
            directory += little(0x0201_4B50, 4) + little(20, 2) + common
            // No comment, the first disk, no attributes.
            directory += little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(offset, 4)
            directory += Array(name.utf8)
        }
        let start = archive.count
        archive += directory
        archive += little(0x0605_4B50, 4) + little(0, 2) + little(0, 2)
        archive += little(files.count, 2) + little(files.count, 2)
        return archive + little(directory.count, 4) + little(start, 4) + little(0, 2)
    }

    private static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}

/// The checksum of ZIP and PNG (ISO 3309).
enum CRC32 {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
    }
}
