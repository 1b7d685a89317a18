/// Finds characters that pass for ASCII ones.
///
/// They are letters of another alphabet among Latin letters, words made of nothing but look-alikes, and signs that look
/// like ASCII signs.
enum Confusables {
    /// The places of letters that pass for others by what stands around them.
    static func suspects(in scalars: [Unicode.Scalar]) -> Set<Int> {
        guard scalars.contains(where: { !$0.isASCII }) else { return [] }
        // A text that has letters of an alphabet without a Latin twin is simply written in it.
        let isForeignText = scalars.contains { isOfOtherAlphabet($0) && !lookAlikes.contains($0.value) }
        var suspects = Set<Int>()
        var word = [Int]()
        func judge() {
            let others = word.filter { isOfOtherAlphabet(scalars[$0]) || latinTwins.contains(scalars[$0].value) }
            guard !others.isEmpty else { return }
            let hasASCII = word.contains { scalars[$0].isASCII && scalars[$0].properties.isAlphabetic }
            let isDisguise =
                others.count == word.count && !isForeignText
                && others.allSatisfy { lookAlikes.contains(scalars[$0].value) }
            if hasASCII || isDisguise { suspects.formUnion(others) }
        }
        for (index, scalar) in scalars.enumerated() {
            if scalar.properties.isAlphabetic || scalar.properties.generalCategory == .nonspacingMark {
                word.append(index)
            } else {
                judge()
                word = []
            }
        }
        judge()
        return suspects
    }

    /// Whether a character is a styled or disguised ASCII character, whatever stands around it.
    static func isAlwaysSuspect(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // Full-width forms, styled mathematical letters, enclosed and squared letters, the Braille blank.
        case 0xFF01...0xFF5E, 0x1D400...0x1D7FF, 0x2460...0x24FF, 0x1F100...0x1F1AD, 0x2800: true
        default: signs.contains(scalar.value)
        }
    }

    private static func isOfOtherAlphabet(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // Greek, Cyrillic, Armenian, Georgian, Cherokee, Coptic, Lisu, Deseret.
        case 0x370...0x3FF, 0x1F00...0x1FFF, 0x400...0x52F, 0x1C80...0x1C8F, 0x2DE0...0x2DFF, 0xA640...0xA69F,
            0x530...0x58F, 0x10A0...0x10FF, 0x13A0...0x13FF, 0xAB70...0xABBF, 0x2C80...0x2CFF, 0xA4D0...0xA4FF,
            0x10400...0x1044F:
            true
        default: false
        }
    }

    /// Letters of other alphabets that look like a Latin one.
    private static let lookAlikes = Set(
        ("АВЕЅІЈКМНОРСТХУԚԜаеѕіјорсухһԁԛԝӏьгпΑΒΕΖΗΙΚΜΝΟΡΤΥΧαινορυχγωϲյոսցհզօ" as String).unicodeScalars.map(\.value)
    )

    /// Latin letters that look like an ASCII one: dotless i, long s, alpha, script g, iota, click letters.
    private static let latinTwins: Set<UInt32> = [0x131, 0x17F, 0x196, 0x1C0, 0x1C3, 0x237, 0x251, 0x261, 0x269, 0x27E]

    /// Signs that look like ASCII ones: dots, slashes, colons, semicolons, hyphens, quotation marks of code.
    private static let signs: Set<UInt32> = [
        0x2B9, 0x2BA, 0x2BC, 0x2C8, 0x2D0, 0x2D7, 0x37E, 0x387, 0x589, 0x5C3, 0x660, 0x6D4, 0x701, 0x702, 0x2010,
        0x2011,
        0x2012, 0x2024, 0x2027, 0x2032, 0x2033, 0x2035, 0x2041, 0x2043, 0x2044, 0x204E, 0x2052, 0x2212, 0x2215, 0x2216,
        0x2217, 0x2223, 0x2236, 0x223C, 0x2571, 0x29F5, 0x29F8, 0x29F9, 0x2CFE, 0xA4FA, 0xA4FD, 0xA789, 0xFE52, 0xFE54,
        0xFE55, 0xFE58, 0xFE63, 0xFE68,
    ]
}
