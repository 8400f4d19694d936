import TernDICOM

/// Identifiers and words that the standard registers: what is not in these lists could be anything.
enum Registry {
    private static let identifiers: Set<String> = {
        var result: Set<String> = []
        for line in registeredIdentifiersText.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let first = words.first else { continue }
            for word in words.dropFirst() { result.insert(first == "-" ? String(word) : "\(first).\(word)") }
        }
        return result
    }()
    private static let terms = Set(codeStringTermsText.split { $0 == "|" || $0 == "\n" }.map { $0.drop { $0 == " " } })

    /// Kinds of objects that makers have of their own, and coding schemes that others register.
    private static let othersIdentifiers: Set<String> = [
        // Siemens CSA non-image; GE raw and display; Philips private, Toshiba and Canon raw data, Fuji CR
        "1.3.12.2.1107.5.9.1", "1.2.840.113619.4.2", "1.2.840.113619.4.3", "1.2.840.113619.4.26", "1.2.840.113619.4.27", "1.2.840.113619.4.30",
        "1.3.46.670589.2.3.1.1", "1.3.46.670589.2.4.1.1", "1.3.46.670589.2.5.1.1", "1.3.46.670589.5.0.1", "1.3.46.670589.5.0.1.1", "1.3.46.670589.5.0.2",
        "1.3.46.670589.5.0.2.1", "1.3.46.670589.5.0.3", "1.3.46.670589.5.0.3.1", "1.3.46.670589.5.0.4", "1.3.46.670589.5.0.7", "1.3.46.670589.5.0.8",
        "1.3.46.670589.5.0.9", "1.3.46.670589.5.0.10", "1.3.46.670589.5.0.11", "1.3.46.670589.5.0.11.1", "1.3.46.670589.11.0.0.12.1", "1.3.46.670589.11.0.0.12.2",
        "1.3.46.670589.11.0.0.12.4", "1.2.392.200036.9116.7.8.1.1.1", "1.2.392.200036.9125.1.1.2", "1.2.392.200036.9125.1.1.4",
        // LOINC, UCUM, SNOMED CT and its predecessors, ICD, RadLex, FMA, NCIt, ATC
        "2.16.840.1.113883.6.1", "2.16.840.1.113883.6.8", "2.16.840.1.113883.6.96", "2.16.840.1.113883.6.5", "2.16.840.1.113883.6.3", "2.16.840.1.113883.6.103",
        "2.16.840.1.113883.6.256", "2.16.840.1.113883.6.119", "2.16.840.1.113883.3.26.1.1", "2.16.840.1.113883.6.73",
    ]

    /// Whether a unique identifier is one that the standard registers (PS3.6 annex A), context groups included.
    static func isOfTheStandard(_ identifier: [UInt8]) -> Bool {
        let root = Array("1.2.840.10008.".utf8)
        guard identifier.starts(with: root), ValueRules.isIdentifier(identifier) else { return false }
        let rest = String(decoding: identifier.dropFirst(root.count), as: UTF8.self)
        if identifiers.contains(rest) { return true }
        // PS3.16 numbers context groups by up to four digits, PS3.6 table A-3.
        return rest.hasPrefix("6.1.") && rest.utf8.count <= 8 && decimal(Array(rest.dropFirst(4).utf8)) != nil
    }

    /// Whether an identifier stands for a kind of things: a class, a coding scheme, a context group.
    static func isClass(_ identifier: [UInt8]) -> Bool {
        isOfTheStandard(identifier) || othersIdentifiers.contains(String(decoding: identifier, as: UTF8.self))
    }

    /// Whether a code string is a term; a single character is no name.
    static func isTerm(_ tag: DICOMTag, _ text: [UInt8]) -> Bool {
        if text.count < 2 || terms.contains(Substring(decoding: text, as: UTF8.self)) { return true }
        switch tag.number {
        // Image Type and Lossy Image Compression: a few digits, as ultrasound has them (PS3.3 C.8.5.6.1.1).
        case 0x0008_0008: return text.count <= 4 && decimal(text) != nil
        // Patient Orientation: letters of directions (PS3.3 C.7.6.1.1.1).
        case 0x0020_0020: return text.count <= 3 && text.allSatisfy { "ALPRHF".utf8.contains($0) }
        // Cassette Size: 18CMX24CM.
        case 0x0018_1261:
            return text.allSatisfy { (0x30...0x39).contains($0) || "CMINX".utf8.contains($0) } && text.first.map { (0x30...0x39).contains($0) } ?? false
        default: return false
        }
    }
}
