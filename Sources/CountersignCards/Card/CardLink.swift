package import CountersignCore

/// The address of an approval's page, or of a page of several, made of characters that no channel reads as anything else.
package struct CardLink: Hashable, Sendable {
    /// The URL.
    package let url: String

    /// The longest public URL; what channels take for a link leaves room for more.
    package static let maximumBase = 1000

    /// Leads from the public URL (`https://countersign.example.com`, perhaps with a path) to the page of an approval.
    package init(publicURL: String, approval: ApprovalID) throws(ChannelFault) {
        url = "\(try Self.base(publicURL))/approvals/\(PercentCoding.encode(approval.rawValue))"
    }

    /// Leads from the public URL to the page of all approvals of a batch.
    package init(publicURL: String, batch: BatchID) throws(ChannelFault) {
        url = "\(try Self.base(publicURL))/approvals/batch?batch=\(PercentCoding.encode(batch.rawValue))"
    }

    /// Leads from the public URL to the list of what waits for the one who opens it.
    package init(listAt publicURL: String) throws(ChannelFault) { url = "\(try Self.base(publicURL))/" }

    private static func base(_ publicURL: String) throws(ChannelFault) -> String {
        let scheme = ["https://", "http://"].first { publicURL.utf8.starts(with: $0.utf8) }
        guard let scheme, publicURL.utf8.count > scheme.utf8.count, publicURL.utf8.count <= Self.maximumBase,
            publicURL.utf8.allSatisfy(Self.allows)
        else {
            throw ChannelFault(
                .linkMalformed,
                "The public URL is not http:// or https://, a host and perhaps a path, of letters, digits and "
                    + "`. _ - ~ : / [ ] %`: percent-encode the rest.",
            )
        }
        return publicURL.utf8.last == UInt8(ascii: "/") ? String(publicURL.dropLast()) : publicURL
    }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "~"), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "["), UInt8(ascii: "]"),
            UInt8(ascii: "%"):
            true
        default: false
        }
    }
}

/// What a button carries: which approval it is on, and the beginning of the digest that was shown.
///
/// It is a name and no proof: whoever holds it can do nothing with it. It never has the action in it.
package struct CardHandle: Hashable, Sendable, CustomStringConvertible {
    /// The approval.
    package let approval: ApprovalID
    /// The first characters of the action's digest.
    package let digestPrefix: String

    /// How many characters of a digest are shown and carried.
    package static let digestLength = 12

    /// Names an approval and what it is about.
    package init(_ approval: ApprovalID, _ digest: ActionDigest) {
        self.approval = approval
        digestPrefix = String(digest.rawValue.prefix(Self.digestLength))
    }

    /// Reads the text form; `nil` of anything else.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2, let approval = ApprovalID(String(Substring(parts[0]))),
            parts[1].count == Self.digestLength, parts[1].allSatisfy(Self.isDigit)
        else { return nil }
        self.approval = approval
        digestPrefix = String(Substring(parts[1]))
    }

    /// Whether it is about that action; a card that was made of another is not to be decided by.
    package func fits(_ digest: ActionDigest) -> Bool { digest.rawValue.utf8.starts(with: digestPrefix.utf8) }

    /// The text form, at most 141 bytes.
    package var description: String { "\(approval) \(digestPrefix)" }

    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
