/// Appends a string as JSON, quotes included, escaped as RFC 8785, section 3.2.2.2, demands.
///
/// For JSON that is put together by hand on the hot path.
package func appendJSONString(_ string: String, to output: inout [UInt8]) {
    output.append(UInt8(ascii: "\""))
    unsafe UTF8Order.withBytes(of: string) { bytes in
        let raw = unsafe bytes.span.bytes
        var start = 0
        while true {
            let end = PlainRun.end(in: raw, from: start, stoppingAtMultibyte: false)
            if end > start { unsafe output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<end])) }
            if end == bytes.count { break }
            unsafe CanonicalString.appendEscape(of: bytes[end], to: &output)
            start = end + 1
        }
    }
    output.append(UInt8(ascii: "\""))
}

/// The escapes of canonical strings: the two-letter ones where JSON has them, `\u00xx` for other control characters.
private enum CanonicalString {
    static func appendEscape(of byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
        case 0x08: output.append(UInt8(ascii: "b"))
        case 0x09: output.append(UInt8(ascii: "t"))
        case 0x0A: output.append(UInt8(ascii: "n"))
        case 0x0C: output.append(UInt8(ascii: "f"))
        case 0x0D: output.append(UInt8(ascii: "r"))
        default:
            output.append(contentsOf: "u00".utf8)
            output.append(UInt8(ascii: "0") + byte >> 4)
            let low = byte & 0x0F
            output.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }
}
