import CountersignCore
import CountersignLog
import Testing

@Suite("Syslog messages", .timeLimit(.minutes(10)))
struct SyslogMessageTests {
    private func message(
        kind: String = "action.denied",
        severity: ExportSeverity = .medium,
        origin: String = "countersign.example.com/log",
        text: String = #"{"a":1}"#,
    ) -> SyslogMessage {
        let record = ExportRecord(
            sequence: 42,
            kind: kind,
            time: Timestamp(microseconds: 1_767_225_600_000_001),
            severity: severity,
            bytes: Array(text.utf8),
        )
        return SyslogMessage(record, origin: origin, enterprise: 32_473)
    }

    @Test("a message has every field of RFC 5424 in order")
    func fields() {
        let expected =
            #"<108>1 2026-01-01T00:00:00.000001Z countersign.example.com countersign - action.denied "#
            + #"[countersign@32473 kind="action.denied" origin="countersign.example.com/log" sequence="42"] {"a":1}"#
        #expect(String(decoding: message().bytes, as: UTF8.self) == expected)
    }

    @Test(
        "the priority is facility 13 and the severity",
        arguments: [
            (ExportSeverity.informational, "<110>1 "), (.low, "<109>1 "), (.medium, "<108>1 "),
        ]
    )
    func priority(severity: ExportSeverity, prefix: String) {
        #expect(message(severity: severity).bytes.starts(with: prefix.utf8))
    }

    @Test("a frame counts octets, not characters")
    func octets() {
        let message = message(text: #"{"a":"é😀"}"#)
        let count = message.bytes.count
        #expect(message.frame == Array("\(count) ".utf8) + message.bytes)
    }

    @Test("quotes, backslashes and brackets in a value are escaped, and never end the element")
    func escaping() {
        let text = String(decoding: message(origin: #"a"]\/log"#).bytes, as: UTF8.self)
        #expect(text.contains(#" origin="a\"\]\\/log" "#))
    }

    @Test("a kind or host that no header can hold is cut or left out")
    func headers() {
        let long = String(repeating: "k", count: 40)
        let text = String(decoding: message(kind: long, origin: "/log").bytes, as: UTF8.self)
        #expect(text.contains("Z - countersign - \(String(repeating: "k", count: 32)) ["))
        #expect(String(decoding: message(kind: "").bytes, as: UTF8.self).contains(" countersign - - ["))
    }
}
