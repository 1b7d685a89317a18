/// The app's icon as PNG (ISO/IEC 15948): a check mark, drawn when it is asked for.
enum AppIcon {
    /// 192 pixels, white on the product's blue.
    static var color: [UInt8] { png(side: 192, colors: [0x1F, 0x3A, 0x5F, 0xFF, 0xFF, 0xFF], alphas: [255, 255]) }

    /// 32 pixels, white on nothing.
    static var outline: [UInt8] { png(side: 32, colors: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], alphas: [0, 255]) }

    /// The mark's corners, in parts of 64.
    private static let corners: [(x: Double, y: Double)] = [(15, 34), (27, 46), (49, 19)]
    /// Half of the line's width.
    private static let radius = 4.5

    private static func png(side: Int, colors: [UInt8], alphas: [UInt8]) -> [UInt8] {
        var rows: [UInt8] = []
        for y in 0..<side {
            // No filter.
            rows.append(0)
            for x in 0..<side { rows.append(isMarked(x, y, side) ? 1 : 0) }
        }
        // Eight bits a pixel, which choose a color.
        let header = big(side) + big(side) + [8, 3, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header) + chunk("PLTE", colors)
            + chunk("tRNS", alphas) + chunk("IDAT", stored(rows)) + chunk("IEND", [])
    }

    private static func isMarked(_ x: Int, _ y: Int, _ side: Int) -> Bool {
        let scale = 64 / Double(side)
        let point = (x: (Double(x) + 0.5) * scale, y: (Double(y) + 0.5) * scale)
        return zip(corners, corners.dropFirst()).contains { from, to in
            let (dx, dy) = (to.x - from.x, to.y - from.y)
            let along = ((point.x - from.x) * dx + (point.y - from.y) * dy) / (dx * dx + dy * dy)
            let part = min(1, max(0, along))
            let (ex, ey) = (point.x - from.x - part * dx, point.y - from.y - part * dy)
            return ex * ex + ey * ey <= radius * radius
        }
    }

    /// A zlib stream (RFC 1950) of stored blocks (RFC 1951, section 3.2.4).
    private static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(65_535)
            rest = rest.dropFirst(block.count)
            let low = UInt8(truncatingIfNeeded: block.count)
            let high = UInt8(truncatingIfNeeded: block.count >> 8)
            stream += [rest.isEmpty ? 1 : 0, low, high, ~low, ~high]
            stream += block
        } while !rest.isEmpty
        var (a, b) = (1, 0)
        for byte in bytes {
            a = (a + Int(byte)) % 65_521
            b = (b + a) % 65_521
        }
        return stream + big(b << 16 | a)
    }

    private static func chunk(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + bytes
        return big(bytes.count) + body + big(Int(CRC32.of(body)))
    }

    private static func big(_ value: Int) -> [UInt8] {
        stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
