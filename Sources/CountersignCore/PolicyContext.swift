import CanonicalJSON
import Cedar

/// Makes Cedar's `context` out of an action's details and its circumstances.
enum PolicyContext {
    /// The members that only the gateway fills in.
    ///
    /// A document's details never stand in for one that is missing.
    static let ownMembers = ["body", "justification", "on_behalf_of", "source_address", "time"]

    /// The record that policies see: the document's details, and source address, time, human and justification.
    ///
    /// `body` is the parsed payload where that reads as JSON, so that policy can look inside it.
    static func record(of action: Action, _ circumstances: Circumstances, now: Timestamp) -> Record {
        var members = [(String, Value)]()
        members.reserveCapacity(action.details.count + 5)
        for member in action.details.members where !isOwn(member.key) {
            if let value = value(member.value) { members.append((member.key, value)) }
        }
        if let body = body(of: action.details) { members.append(("body", body)) }
        members.append(("time", .datetime(Datetime(milliseconds: now.microseconds / 1000))))
        if let address = circumstances.sourceAddress.flatMap({ try? IPAddress(parsing: CedarString($0)) }) {
            members.append(("source_address", .ip(address)))
        }
        if let human = action.onBehalfOf { members.append(("on_behalf_of", .entity(.user(human)))) }
        if let text = circumstances.justification { members.append(("justification", Value(text))) }
        return Record(members)
    }

    /// What policy sees of a payload's text: its value if it is JSON, the text itself if it only begins like JSON, or is a
    /// form.
    ///
    /// Not by media type: many servers parse whatever looks like JSON, and `text/plain` must not hide a body. Nor must
    /// what readers take differently (a key twice, something after the end): on a text, a policy that looks inside the
    /// body has an error, so a `forbid` denies and a `permit` is skipped.
    private static func body(of details: JSONObject) -> Value? {
        guard let payload = details["payload"] else { return nil }
        guard let text = payload["text"]?.stringValue else {
            // Bytes that are not in the document: too many, not text, or compressed. If they may be JSON, they are a text
            // to policy, so that size or coding is no way around a policy about the body.
            let excerpt = payload["excerpt"]?.stringValue ?? ""
            let isCoded = details["headers"]?["content-encoding"] != nil
            let mayBeJSON = excerpt.unicodeScalars.first { !isSkipped($0) }.map(beginsLikeJSON) ?? true
            return mayBeJSON || isCoded || isForm(payload) ? Value(excerpt) : nil
        }
        let first = text.unicodeScalars.first { !isSkipped($0) }
        if isForm(payload) {
            // Servers that read JSON often read forms, too, into the same names. JSON that is sent as a form, as curl does
            // unasked, is JSON unless a reader of forms finds a second name in it.
            let isOneName = first == "{" || first == "["
            if !isOneName || text.unicodeScalars.contains(where: { $0 == "&" || $0 == ";" }) { return Value(text) }
        }
        guard let first, beginsLikeJSON(first) else { return nil }
        guard let parsed = try? JSONParser.parse(text, limits: JSONLimits(numbers: .int64, allowsNoncharacters: true))
        else { return Value(text) }
        return value(parsed)
    }

    /// An object, an array, or a comment, which lenient readers skip.
    private static func beginsLikeJSON(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "{" || scalar == "[" || scalar == "/" || scalar == "#"
    }

    /// Whether a payload says that it is a form.
    private static func isForm(_ payload: JSONValue) -> Bool {
        let type = payload["media_type"]?.stringValue?.lowercased() ?? ""
        return ["application/x-www-form-urlencoded", "multipart/form-data"].contains { type.utf8.starts(with: $0.utf8) }
    }

    /// White space of any reader, the byte order mark, which many skip, and what UTF-16 looks like when read as UTF-8.
    private static func isSkipped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case " ", "\t", "\n", "\r", "\0", "\u{B}", "\u{C}", "\u{A0}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFD}":
            true
        default: false
        }
    }

    private static func isOwn(_ name: String) -> Bool { ownMembers.contains { UTF8Order.equal($0, name) } }

    /// Cedar's value for a JSON value.
    ///
    /// `null` has none, so the member is missing. A number is a `long` if it is whole, however it is written (`1.0`,
    /// `1e0`: one number to the digest, to approvers and to nearly every server), a `decimal` where four digits hold it,
    /// and its text otherwise.
    static func value(_ json: JSONValue) -> Value? {
        switch json {
        case .null: Value?.none
        case .bool(let bool): .bool(bool)
        case .integer(let number): .long(number)
        case .number(let number):
            Int64(exactly: number).map { .long($0) } ?? (try? Decimal(parsing: CedarString("\(number)"))).map {
                .decimal($0)
            } ?? Value("\(number)")
        case .string(let text): Value(text)
        case .array(let items): .set(ValueSet(items.compactMap(value)))
        case .object(let object):
            .record(Record(object.members.compactMap { member in value(member.value).map { (member.key, $0) } }))
        }
    }
}
