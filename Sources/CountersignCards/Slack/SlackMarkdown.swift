import CanonicalJSON

/// A text in Slack's mrkdwn that only ever has the mark-up that was asked for by name, and keeps to Slack's limit.
///
/// Texts from outside stand between backquotes, where Slack reads no emphasis and no emoji; entities keep mentions and
/// links from forming, and `verbatim` keeps Slack from making links of what looks like one.
struct SlackMarkdown: Hashable, Sendable {
    /// The longest text of a section.
    static let limit = 3000

    private(set) var text = ""
    private var room: Int

    /// Keeps to a limit of its own, if that is less than Slack's.
    init(limit: Int = Self.limit) { room = min(max(0, limit), Self.limit) }

    /// Words of our own.
    mutating func words(_ words: String) { add("", ShownText(words, .slackCode, isBlock: false, limit: room), "") }

    /// Words of our own, in bold.
    mutating func bold(_ words: String) {
        add("*", ShownText(words, .slackCode, isBlock: false, limit: max(0, room - 2)), "*")
    }

    /// A new line.
    mutating func newLine() {
        guard room >= 1 else { return }
        text += "\n"
        room -= 1
    }

    /// A text from outside in a line; says whether it was cut.
    @discardableResult
    mutating func code(_ outside: String, limit: Int) -> ShownText {
        let shown = ShownText(outside, .slackCode, isBlock: false, limit: max(0, min(limit, room - 3)))
        add("`", shown, shown.isCut ? "…`" : "`")
        return shown
    }

    /// A text from outside in lines of its own; says whether it was cut.
    mutating func fence(_ outside: String, limit: Int) -> ShownText {
        let shown = ShownText(outside, .slackCode, isBlock: true, limit: max(0, min(limit, room - 9)))
        add("```\n", shown, shown.isCut ? "…\n```" : "\n```")
        return shown
    }

    /// A link to the approval's page.
    mutating func link(_ link: CardLink, _ label: StaticString) {
        let link = "<\(link.url)|\(label)>"
        guard link.utf16.count <= room else { return }
        text += link
        room -= link.utf16.count
    }

    /// Whether a text fits at the end.
    func hasRoom(for other: SlackMarkdown) -> Bool { other.text.utf16.count <= room }

    /// All of another text, if it fits.
    mutating func append(_ other: SlackMarkdown) {
        guard hasRoom(for: other) else { return }
        text += other.text
        room -= other.text.utf16.count
    }

    /// Nothing between the marks would leave bare marks behind, so then a blank stands there.
    private mutating func add(_ before: String, _ shown: ShownText, _ after: String) {
        let piece = before + (shown.text.isEmpty && !before.isEmpty ? " " : shown.text) + after
        guard piece.utf16.count <= room else { return }
        text += piece
        room -= piece.utf16.count
    }

    /// The text object.
    var json: JSONValue {
        .object(JSONObject([("text", .string(text)), ("type", "mrkdwn"), ("verbatim", true)]))
    }
}

/// Blocks and elements of Block Kit, within its limits.
enum SlackBlock {
    /// The most blocks of a message.
    static let maximumInMessage = 50
    /// The longest text of all blocks of a message together, in UTF-16 units.
    ///
    /// Slack documents no limit and answers `msg_blocks_too_long`: with 50 blocks, 9,600 units were taken and 11,300 were
    /// not (slackapi/bolt-js issues 2509 and 2867).
    static let maximumText = 9_600

    /// The length of the texts of blocks, in UTF-16 units.
    static func length(_ blocks: [JSONValue]) -> Int {
        blocks.reduce(0) { length, block in
            let texts = [block] + (block["elements"]?.arrayValue ?? [])
            return length
                + texts.reduce(0) { sum, each in
                    sum + (each["text"]?["text"]?.stringValue ?? each["text"]?.stringValue ?? "").utf16.count
                }
        }
    }

    static func header(_ words: String) -> JSONValue { ["text": plain(words, limit: 150), "type": "header"] }

    static func section(_ text: SlackMarkdown) -> JSONValue { ["text": text.json, "type": "section"] }

    static func context(_ text: SlackMarkdown) -> JSONValue { ["elements": [text.json], "type": "context"] }

    static func actions(_ buttons: [JSONValue], block: String = "countersign.decide") -> JSONValue {
        ["block_id": .string(block), "elements": .array(buttons), "type": "actions"]
    }

    /// Plain text of our own words, in a section of its own.
    static func sentence(_ words: String) -> JSONValue { ["text": plain(words, limit: 2000), "type": "section"] }

    /// Plain text of our own words.
    static func plain(_ words: String, limit: Int) -> JSONValue {
        [
            "emoji": false, "text": .string(ShownText(words, .slackPlain, isBlock: false, limit: limit).text),
            "type": "plain_text",
        ]
    }
}
